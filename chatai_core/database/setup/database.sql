-- What of it does this database have: may the role come in and make tables, and which extensions are there?
SELECT
    pg_encoding_to_char(d.encoding) AS encoding,
    coalesce(has_database_privilege(role.oid, d.oid, 'CONNECT'), false) AS may_connect,
    coalesce(has_database_privilege(role.oid, d.oid, 'CREATE'), false) AS may_extend,
    public.oid IS NOT NULL AS has_public,
    -- where its tables go is known of the role itself alone
    coalesce(
        CASE WHEN role.rolname = session_user
             THEN current_schema() IS NOT NULL AND has_schema_privilege(current_schema(), 'CREATE')
             ELSE has_schema_privilege(role.oid, public.oid, 'USAGE') AND has_schema_privilege(role.oid, public.oid, 'CREATE')
        END,
        false
    ) AS may_make_tables,
    ARRAY(SELECT extname::text FROM pg_extension) AS extensions
FROM pg_database AS d
LEFT JOIN pg_roles AS role ON role.rolname = %(role)s
LEFT JOIN pg_namespace AS public ON public.nspname = 'public'
WHERE d.datname = current_database();
