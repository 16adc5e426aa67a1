-- Which extensions does the database have, in which version, and which would be theirs if they were updated?
SELECT
    'extension' AS kind,
    e.extname AS name,
    n.nspname AS schema,
    e.extversion AS version,
    a.default_version AS available,
    e.extversion IS DISTINCT FROM a.default_version AS outdated,
    NULL::bigint AS indexes,
    v.trusted,
    v.superuser AS needs_superuser,
    e.extrelocatable AS relocatable,
    CASE WHEN e.extversion <> a.default_version
        THEN ARRAY[format('ALTER EXTENSION %%I UPDATE', e.extname)] ELSE '{}' END AS repair
FROM pg_extension AS e
JOIN pg_namespace AS n ON n.oid = e.extnamespace
-- the server reads its disk for these; what is missing there was removed under the database
LEFT JOIN pg_available_extensions AS a ON a.name = e.extname
LEFT JOIN pg_available_extension_versions AS v ON v.name = e.extname AND v.version = e.extversion
ORDER BY outdated DESC, e.extname;
