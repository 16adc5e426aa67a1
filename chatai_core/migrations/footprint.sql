-- How large are the tables behind these names (of tables and indexes), and what is the strongest lock wanted on each?
WITH named AS (
    SELECT coalesce(i.indrelid, c.oid) AS oid, n.rank, n.others
    FROM unnest(%(names)s::text[], %(ranks)s::int[], %(others)s::text[]) AS n (name, rank, others)
    JOIN pg_class c ON c.oid = to_regclass(n.name)
    LEFT JOIN pg_index i ON i.indexrelid = c.oid
),
wanted AS (
    SELECT oid, rank FROM named
    UNION ALL
    SELECT k.confrelid, n.rank FROM named n JOIN pg_constraint k ON k.conrelid = n.oid AND k.contype = 'f'
    WHERE n.others <> ''
    UNION ALL
    SELECT k.conrelid, n.rank FROM named n JOIN pg_constraint k ON k.confrelid = n.oid AND k.contype = 'f'
    WHERE n.others = 'all'
),
strongest AS (SELECT oid, max(rank) AS rank FROM wanted GROUP BY oid)
SELECT c.relname AS table,
    s.rank,
    CASE WHEN c.oid::bigint <> ALL(%(locked)s::bigint[]) THEN pg_total_relation_size(c.oid) END AS size_bytes,
    CASE WHEN c.reltuples >= 0 THEN c.reltuples::bigint END AS rows_estimate
FROM strongest s
JOIN pg_class c ON c.oid = s.oid
WHERE c.relname <> 'alembic_version'
ORDER BY 3 DESC NULLS LAST, c.relname;
