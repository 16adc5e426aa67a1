-- Which indexes does the catalogue not call ready? Those of partitions count in their table's.
SELECT array_agg(DISTINCT CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::bigint ELSE c.oid::bigint END)
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
WHERE NOT (i.indisvalid AND i.indisready AND i.indislive);
