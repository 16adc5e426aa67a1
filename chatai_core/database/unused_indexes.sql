-- What are indexes there for besides being scanned, and of which parts are they made?
WITH each AS (
    SELECT
        i.*,
        c.relkind,
        c.relname,
        CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::oid ELSE c.oid END AS root,
        t.relreplident,
        t.relpages + coalesce(toast.relpages, 0) AS pages
    FROM pg_index AS i
    JOIN pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_class AS t ON t.oid = i.indrelid
    LEFT JOIN pg_class AS toast ON toast.oid = t.reltoastrelid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND n.nspname NOT LIKE 'pg\_toast%%'
      AND n.nspname NOT LIKE 'pg\_temp%%'
)
SELECT 'constraint' AS tie, ARRAY[root::bigint] AS roots, k.oid::bigint AS oid, k.conname::text AS name
FROM each
JOIN pg_constraint AS k ON k.conindid = indexrelid AND k.contype IN ('p', 'u', 'x')
WHERE root <> indexrelid
UNION ALL
SELECT 'referenced', ARRAY[root::bigint], k.oid, k.conname
FROM each
JOIN pg_constraint AS k ON k.conindid = indexrelid AND k.contype = 'f'
UNION ALL
-- it begins with the columns of a foreign key, in whatever order: each delete of a row referred to looks there
SELECT 'foreign key', ARRAY[root::bigint], k.oid, k.conname
FROM each
JOIN pg_constraint AS k ON k.contype = 'f' AND k.conrelid = indrelid
WHERE (indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey
UNION ALL
SELECT 'part', ARRAY[root::bigint], indexrelid, relname
FROM each
WHERE relkind = 'i' AND root <> indexrelid
UNION ALL
SELECT 'replica identity', array_agg(root::bigint), NULL, NULL
FROM each
WHERE indisreplident AND relreplident = 'i'
UNION ALL
SELECT 'clustered', array_agg(root::bigint), NULL, NULL
FROM each
WHERE indisclustered
UNION ALL
-- PostgreSQL would not use an index of a table that is read at once
SELECT 'small table', array_agg(root::bigint), NULL, NULL
FROM (SELECT root FROM each WHERE relkind = 'i' GROUP BY root HAVING sum(pages) BETWEEN 1 AND 8) AS small;
