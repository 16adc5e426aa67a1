-- Who answers, over what, and as whom do we speak: with which privileges, in which encoding?
SELECT
    current_setting('server_version') AS version,
    d.datname AS database,
    r.rolname AS role,
    r.rolsuper AS is_superuser,
    array_remove(ARRAY[
        CASE WHEN has_database_privilege(d.oid, 'CONNECT') THEN 'CONNECT' END,
        CASE WHEN has_database_privilege(d.oid, 'CREATE') THEN 'CREATE' END,
        CASE WHEN has_database_privilege(d.oid, 'TEMPORARY') THEN 'TEMPORARY' END,
        CASE WHEN has_schema_privilege(public.oid, 'USAGE') THEN 'USAGE ON SCHEMA public' END,
        CASE WHEN has_schema_privilege(public.oid, 'CREATE') THEN 'CREATE ON SCHEMA public' END,
        CASE WHEN r.rolcreatedb THEN 'CREATEDB' END,
        CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END,
        CASE WHEN r.rolreplication THEN 'REPLICATION' END
    ], NULL) || ARRAY(
        SELECT m.rolname::text
        FROM pg_roles AS m
        WHERE m.rolname LIKE 'pg\_%%' AND NOT r.rolsuper AND pg_has_role(r.oid, m.oid, 'USAGE')
        ORDER BY m.rolname
    ) AS privileges,
    CASE WHEN pg_is_in_recovery() THEN 'standby' ELSE 'primary' END AS server,
    CASE WHEN ssl.ssl THEN 'tls' WHEN inet_server_addr() IS NULL THEN 'socket' ELSE 'none' END AS encryption,
    ssl.version AS tls_version,
    ssl.cipher AS tls_cipher,
    host(inet_server_addr()) AS address,
    inet_server_port() AS port,
    pg_encoding_to_char(d.encoding) AS encoding,
    (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS vector,
    (SELECT default_version FROM pg_available_extensions WHERE name = 'vector') AS vector_available
FROM pg_database AS d
JOIN pg_roles AS r ON r.rolname = current_user
LEFT JOIN pg_namespace AS public ON public.nspname = 'public'
LEFT JOIN pg_stat_ssl AS ssl ON ssl.pid = pg_backend_pid()
WHERE d.datname = current_database();
