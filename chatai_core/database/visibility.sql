-- Who asks, and how much of the server may this role see? No table is read: a locked catalogue must not keep us from it.
SELECT
    current_setting('server_version_num')::int AS server_version,
    current_user::text AS role,
    current_setting('is_superuser')::bool AS is_superuser,
    pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS sees_sessions,
    pg_has_role(current_user, 'pg_read_all_settings', 'USAGE') AS reads_settings,
    pg_has_role(current_user, 'pg_signal_backend', 'USAGE') AS may_signal,
    pg_is_in_recovery() AS in_recovery;
