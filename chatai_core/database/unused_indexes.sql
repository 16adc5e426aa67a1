-- What is each index there for besides being scanned, and of which parts is it made?
WITH each AS (
    SELECT
        i.*,
        c.relkind,
        c.relname,
        CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::oid ELSE c.oid END AS root,
        t.relreplident,
        t.relpages
    FROM pg_index AS i
    JOIN pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_class AS t ON t.oid = i.indrelid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND n.nspname NOT LIKE 'pg\_toast%%'
      AND n.nspname NOT LIKE 'pg\_temp%%'
)
SELECT root::bigint AS root, 'constraint' AS tie, k.oid::bigint AS oid, k.conname::text AS name
FROM each
JOIN pg_constraint AS k ON k.conindid = indexrelid AND k.contype IN ('p', 'u', 'x')
UNION ALL
SELECT root, 'referenced', k.oid, k.conname
FROM each
JOIN pg_constraint AS k ON k.conindid = indexrelid AND k.contype = 'f'
UNION ALL
SELECT root, 'unique', indexrelid, relname
FROM each
WHERE indisunique
UNION ALL
SELECT root, 'replica identity', indexrelid, relname
FROM each
WHERE indisreplident AND relreplident = 'i'
UNION ALL
SELECT root, 'clustered', indexrelid, relname
FROM each
WHERE indisclustered
UNION ALL
-- it begins with the columns of a foreign key, in whatever order: each delete of a row referred to looks there
SELECT root, 'foreign key', k.oid, k.conname
FROM each
JOIN pg_constraint AS k ON k.contype = 'f' AND k.conrelid = indrelid
WHERE (indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey
UNION ALL
SELECT root, 'part', indexrelid, relname
FROM each
WHERE relkind = 'i' AND root <> indexrelid
UNION ALL
-- PostgreSQL would not use an index of a table that is read at once
SELECT root, 'small table', NULL, NULL
FROM each
WHERE relkind = 'i'
GROUP BY root
HAVING sum(relpages) BETWEEN 1 AND 8;
