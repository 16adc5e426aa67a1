-- What of it does this server have, which version is it, and what may who asks make there?
SELECT
    current_setting('server_version_num')::int AS version,
    me.rolname::text AS actor,
    me.rolsuper AS is_superuser,
    role.oid IS NOT NULL AS has_role,
    coalesce(role.rolcanlogin, false) AS role_logs_in,
    coalesce(pg_has_role(me.oid, role.oid, 'MEMBER'), false) AS is_member,
    EXISTS (SELECT FROM pg_database WHERE datname = %(database)s) AS has_database,
    (SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = 'template1') AS encoding,
    -- null to who may not see it
    (SELECT setting FROM pg_settings WHERE name = 'shared_preload_libraries') AS preloaded,
    ARRAY(SELECT name::text FROM pg_available_extensions WHERE name = ANY(%(extensions)s)) AS available,
    ARRAY(
        SELECT v.name::text
        FROM pg_available_extension_versions AS v
        JOIN pg_available_extensions AS e ON e.name = v.name AND e.default_version = v.version
        WHERE v.name = ANY(%(extensions)s) AND (v.trusted OR NOT v.superuser)
    ) AS trusted
FROM pg_roles AS me
LEFT JOIN pg_roles AS role ON role.rolname = %(role)s
WHERE me.rolname = session_user;
