-- Which sessions run a query or a transaction for so long (or: the one of this pid), and may this role end them?
WITH session AS (
    SELECT
        a.*,
        -- query_start of an idle session belongs to a query that ended long ago
        CASE
            WHEN a.state LIKE 'idle in transaction%%' THEN a.state_change
            WHEN a.state <> 'idle' THEN a.query_start
        END AS since
    FROM pg_stat_activity AS a
)
SELECT
    a.pid,
    a.backend_start,
    a.usename::text AS "user",
    a.application_name AS application,
    a.datname::text AS database,
    CASE WHEN a.client_port = -1 THEN 'local' ELSE host(a.client_addr) END AS client,
    a.backend_type AS kind,
    a.state,
    extract(epoch FROM clock_timestamp() - a.since)::float8 AS duration_seconds,
    extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS transaction_seconds,
    a.query_start,
    CASE WHEN a.backend_type IS NOT NULL THEN a.query END AS query,
    CASE WHEN a.state NOT LIKE 'idle%%' THEN nullif(concat_ws(': ', a.wait_event_type, a.wait_event), '') END AS wait,
    a.leader_pid,
    a.pid = pg_backend_pid() AS is_own,
    a.pid IN (
        SELECT l.pid
        FROM pg_locks AS l
        WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
          AND (l.classid::bigint << 32) | l.objid::bigint = %(migration)s
    ) AS migrates,
    a.pid IN (
        SELECT p.pid FROM pg_stat_progress_create_index AS p WHERE p.command LIKE '%%CONCURRENTLY'
    ) AS builds_concurrently,
    -- the rules of pg_signal_backend() in the server; the autovacuum worker's role is there since PostgreSQL 18
    CASE
        WHEN current_setting('is_superuser') = 'on' THEN NULL
        WHEN a.backend_type = 'autovacuum worker' AND to_regrole('pg_signal_autovacuum_worker') IS NOT NULL THEN
            CASE WHEN NOT pg_has_role(to_regrole('pg_signal_autovacuum_worker')::oid, 'USAGE')
                 THEN 'pg_signal_autovacuum_worker' END
        WHEN a.usesysid IS NULL OR r.rolsuper THEN 'superuser'
        WHEN NOT pg_has_role(a.usesysid, 'USAGE') AND NOT pg_has_role('pg_signal_backend', 'USAGE')
            THEN 'pg_signal_backend'
    END AS lacks
FROM session AS a
LEFT JOIN pg_roles AS r ON r.oid = a.usesysid
WHERE CASE
    WHEN %(pid)s::int IS NOT NULL THEN a.pid = %(pid)s
    ELSE a.pid <> pg_backend_pid()
        AND a.backend_type <> 'parallel worker'
        -- a replica's walsender belongs to no database
        AND (%(everywhere)s OR a.datid IS NULL OR a.datname = current_database())
        AND extract(epoch FROM clock_timestamp() - least(a.since, a.xact_start)) > %(over)s
END
ORDER BY least(a.since, a.xact_start), a.pid;
