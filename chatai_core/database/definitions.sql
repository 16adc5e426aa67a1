-- How are these indexes made, whoever types it in whatever session? Those of their partitions too.
WITH RECURSIVE tree AS (
    SELECT i.indexrelid AS root, i.indexrelid AS oid, NULL::oid AS parent, 0 AS depth
    FROM pg_index AS i
    WHERE i.indexrelid = ANY (%(indexes)s::oid[])
    UNION ALL
    SELECT tree.root, h.inhrelid, h.inhparent, tree.depth + 1
    FROM tree
    JOIN pg_inherits AS h ON h.inhparent = tree.oid
),
unqualified AS MATERIALIZED (
    -- what another search_path would not find is written with its schema
    SELECT set_config('search_path', 'pg_catalog', true) IS NOT NULL AS is_set
),
readable AS (
    SELECT
        tree.*,
        CASE
            WHEN is_set AND NOT tree.oid = ANY (%(locked)s::oid[]) AND NOT i.indrelid = ANY (%(locked)s::oid[])
            THEN tree.oid
        END AS index
    FROM tree
    JOIN pg_index AS i ON i.indexrelid = tree.oid
    CROSS JOIN unqualified
)
SELECT
    r.root::bigint AS root,
    r.parent IS NULL AS is_root,
    r.depth,
    format('%%I.%%I', n.nspname, c.relname) AS name,
    (SELECT format('%%I.%%I', pn.nspname, p.relname)
     FROM pg_class AS p JOIN pg_namespace AS pn ON pn.oid = p.relnamespace WHERE p.oid = r.parent) AS parent,
    c.relkind = 'I' AS is_partitioned,
    pg_get_indexdef(r.index) AS definition,
    CASE WHEN i.indpred IS NOT NULL AND r.index IS NOT NULL THEN pg_get_expr(i.indpred, i.indrelid) END AS predicate,
    ARRAY(
        SELECT pg_get_indexdef(r.index, k, true) FROM generate_series(1, i.indnkeyatts) AS k WHERE r.index IS NOT NULL
    ) AS columns,
    quote_ident(s.spcname) AS tablespace,
    quote_literal(obj_description(c.oid, 'pg_class')) AS comment,
    ARRAY(
        SELECT format('ALTER COLUMN %%s SET STATISTICS %%s', a.attnum, a.attstattarget)
        FROM pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attstattarget >= 0
        ORDER BY a.attnum
    ) AS statistics
FROM readable AS r
JOIN pg_class AS c ON c.oid = r.oid
JOIN pg_index AS i ON i.indexrelid = r.oid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_tablespace AS s ON s.oid = c.reltablespace
ORDER BY r.root, r.depth, name;
