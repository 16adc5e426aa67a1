-- By which version of each order of texts were the indexes made, and which is the operating system's now?
WITH used AS (
    SELECT DISTINCT attcollation AS oid FROM pg_attribute WHERE attrelid >= 16384
),
dependent AS (
    SELECT
        i.ordered_by,
        format(
            'REINDEX INDEX %%s%%I.%%I', CASE WHEN i.indisexclusion THEN '' ELSE 'CONCURRENTLY ' END, n.nspname, c.relname
        ) AS repair,
        c.oid
    FROM (SELECT DISTINCT indexrelid, indisexclusion, unnest(indcollation) AS ordered_by FROM pg_index) AS i
    JOIN pg_class AS c ON c.oid = i.indexrelid AND c.relkind = 'i' AND c.relpersistence <> 't'
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE i.ordered_by <> 0
),
kept AS (
    SELECT
        'database' AS kind,
        d.datname AS name,
        NULL::name AS schema,
        to_jsonb(d) ->> 'datcollversion' AS version,  -- since 15
        {database_version} AS available,
        (SELECT oid FROM pg_collation WHERE collname = 'default' AND collnamespace = 'pg_catalog'::regnamespace) AS oid,
        format('ALTER DATABASE %%I REFRESH COLLATION VERSION', d.datname) AS refresh
    FROM pg_database AS d
    WHERE d.datname = current_database()
    UNION ALL
    SELECT
        'collation',
        c.collname,
        n.nspname,
        c.collversion,
        pg_collation_actual_version(c.oid),
        c.oid,
        format('ALTER COLLATION %%I.%%I REFRESH VERSION', n.nspname, c.collname)
    FROM pg_collation AS c
    JOIN pg_namespace AS n ON n.oid = c.collnamespace
    WHERE c.collversion IS NOT NULL
      AND (c.oid >= 16384 OR c.oid IN (SELECT oid FROM used) OR c.oid IN (SELECT ordered_by FROM dependent))
)
SELECT
    kind,
    name,
    schema,
    version,
    available,
    version IS DISTINCT FROM available AS outdated,
    found.indexes,
    NULL::boolean AS trusted,
    NULL::boolean AS needs_superuser,
    NULL::boolean AS relocatable,
    CASE WHEN version IS DISTINCT FROM available THEN found.repair || refresh ELSE '{}' END AS repair
FROM kept
CROSS JOIN LATERAL (
    SELECT count(*) AS indexes, coalesce(array_agg(dependent.repair ORDER BY dependent.oid), '{}') AS repair
    FROM dependent
    WHERE dependent.ordered_by = kept.oid
) AS found
WHERE version IS NOT NULL
ORDER BY outdated DESC, kind DESC, schema, name;
