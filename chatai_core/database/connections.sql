-- How many sessions are there, of which kinds, and how many may there be before this role is refused another?
WITH session AS (
    SELECT
        a.*,
        CASE
            WHEN a.backend_type IS NOT NULL THEN a.backend_type
            WHEN a.pid IN (SELECT s.pid FROM pg_stat_replication AS s) THEN 'walsender'
            -- its kind is hidden from us: whoever has a role and a database is a client, or helps one
            WHEN a.usesysid IS NOT NULL AND a.datid IS NOT NULL THEN 'client backend'
        END AS kind,
        CASE WHEN a.backend_type IS NULL THEN 'hidden' ELSE coalesce(a.state, 'unknown') END AS told_state
    FROM pg_stat_activity AS a
),
client AS MATERIALIZED (
    SELECT * FROM session WHERE kind = 'client backend'
),
counted AS (
    SELECT
        count(*)::int AS used,
        (count(*) FILTER (WHERE c.usename = session_user))::int AS role_used,
        (count(*) FILTER (WHERE c.datname = current_database()))::int AS database_used
    FROM client AS c
),
allowed AS (
    SELECT
        current_setting('max_connections')::int AS max,
        current_setting('superuser_reserved_connections')::int
            + coalesce(current_setting('reserved_connections', true)::int, 0) AS reserved,
        current_setting('superuser_reserved_connections')::int
            + CASE
                WHEN NOT r.rolsuper AND EXISTS (
                    SELECT
                    FROM pg_roles AS g
                    WHERE g.rolname = 'pg_use_reserved_connections' AND pg_has_role(r.oid, g.oid, 'USAGE')
                ) THEN 0
                ELSE coalesce(current_setting('reserved_connections', true)::int, 0)
            END AS kept_from_it,
        current_setting('max_wal_senders')::int AS max_walsenders,
        -- -1 is no limit; to superusers none applies
        CASE WHEN NOT r.rolsuper AND r.rolconnlimit >= 0 THEN r.rolconnlimit END AS role_limit,
        CASE WHEN NOT r.rolsuper AND d.datconnlimit >= 0 THEN d.datconnlimit END AS database_limit,
        r.rolname::text AS role,
        d.datname::text AS database
    FROM pg_roles AS r
    CROSS JOIN pg_database AS d
    WHERE r.rolname = session_user AND d.datname = current_database()
),
grouped AS (
    SELECT what, coalesce(nullif(name, ''), '(none)') AS name, count(*) AS sessions
    FROM client AS c
    CROSS JOIN LATERAL (VALUES
        ('state', c.told_state),
        ('application', c.application_name),
        ('user', c.usename::text),
        ('database', c.datname::text)
    ) AS of_it (what, name)
    GROUP BY what, coalesce(nullif(name, ''), '(none)')
),
listed AS (
    SELECT what, json_object_agg(name, sessions ORDER BY sessions DESC, name) AS counts FROM grouped GROUP BY what
)
SELECT
    c.used,
    least(
        a.max - a.kept_from_it,
        c.used - c.role_used + a.role_limit,
        c.used - c.database_used + a.database_limit
    ) AS usable,
    a.max,
    a.reserved,
    coalesce((SELECT counts FROM listed WHERE what = 'state'), '{}') AS by_state,
    coalesce((SELECT counts FROM listed WHERE what = 'application'), '{}') AS by_application,
    coalesce((SELECT counts FROM listed WHERE what = 'user'), '{}') AS by_user,
    coalesce((SELECT counts FROM listed WHERE what = 'database'), '{}') AS by_database,
    greatest(
        c.used / nullif(a.max - a.kept_from_it, 0)::float8,
        c.role_used / nullif(a.role_limit, 0)::float8,
        c.database_used / nullif(a.database_limit, 0)::float8
    ) AS used_share,
    a.role,
    c.role_used,
    a.role_limit,
    a.database,
    c.database_used,
    a.database_limit,
    (SELECT count(*)::int FROM session WHERE kind = 'walsender') AS walsenders,
    a.max_walsenders,
    (SELECT count(*)::int FROM session WHERE kind IS DISTINCT FROM 'walsender' AND kind IS DISTINCT FROM 'client backend')
        AS background
FROM counted AS c
CROSS JOIN allowed AS a;
