-- What does the server log of statements in a new session of this role, who decided that, and may the role change it?
SELECT
    d.datname::text AS database,
    r.rolname::text AS role,
    r.oid::bigint AS role_oid,
    (SELECT setting::int FROM pg_settings WHERE name = 'log_min_duration_statement') AS over_ms,
    (SELECT source FROM pg_settings WHERE name = 'log_min_duration_statement') AS source,
    -- as ALTER ROLE … IN DATABASE … has set it: the narrowest place, which no other can overrule
    (SELECT substr(entry, length('log_min_duration_statement=') + 1)
     FROM pg_db_role_setting AS s, unnest(s.setconfig) AS entry
     WHERE s.setrole = r.oid AND s.setdatabase = d.oid AND entry LIKE 'log\_min\_duration\_statement=%%') AS own,
    r.rolsuper AS is_superuser,
    current_setting('log_statement') AS log_statement,
    (SELECT source FROM pg_settings WHERE name = 'log_statement') AS log_statement_source,
    current_setting('log_parameter_max_length')::int AS parameter_bytes,
    to_regprocedure('has_parameter_privilege(text,text)') IS NOT NULL AS grants_parameters
FROM pg_roles AS r
JOIN pg_database AS d ON d.datname = current_database()
WHERE r.rolname = session_user;
