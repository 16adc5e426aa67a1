-- Who asks, and how much of the server may this role see?
SELECT
    current_setting('server_version_num')::int AS server_version,
    current_user::text AS role,
    r.rolsuper AS is_superuser,
    pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS sees_sessions,
    pg_has_role(current_user, 'pg_read_all_settings', 'USAGE') AS reads_settings,
    pg_has_role(current_user, 'pg_signal_backend', 'USAGE') AS may_signal,
    pg_is_in_recovery() AS in_recovery,
    seen.tables::int AS tables,
    seen.hidden::int AS hidden_tables
FROM pg_roles AS r
CROSS JOIN (
    SELECT
        count(*) AS tables,
        count(*) FILTER (WHERE NOT has_table_privilege(c.oid, 'SELECT')) AS hidden
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'm')
      AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND n.nspname NOT LIKE 'pg\_toast%%'
      AND n.nspname NOT LIKE 'pg\_temp%%'
) AS seen
WHERE r.rolname = current_user;
