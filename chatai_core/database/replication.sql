-- Is this the primary or a standby, and whom do commits wait for?
SELECT
    CASE WHEN pg_is_in_recovery() THEN 'standby' ELSE 'primary' END AS role,
    current_setting('synchronous_standby_names') AS synchronous_standby_names;
