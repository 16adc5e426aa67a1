-- Which tables are meant, partitions with theirs; may this role tend them, how large are they, how many rows are dead?
WITH RECURSIVE chosen AS (
    SELECT c.oid
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm', 'p')
      AND n.nspname NOT LIKE 'pg\_temp%%'
      AND CASE WHEN %(chosen)s::bigint[] IS NOT NULL THEN c.oid = ANY(%(chosen)s::bigint[])
               ELSE %(system)s OR n.nspname NOT IN ('pg_catalog', 'information_schema') END
    UNION
    SELECT i.inhrelid
    FROM chosen
    JOIN pg_class AS parent ON parent.oid = chosen.oid AND parent.relkind = 'p'
    JOIN pg_inherits AS i ON i.inhparent = parent.oid
),
busy AS (
    -- to measure a table is to open its indexes and its TOAST table, too
    SELECT c.oid
    FROM chosen AS c
    LEFT JOIN pg_index AS i ON i.indrelid = c.oid
    WHERE c.oid = ANY(%(locked)s::bigint[]) OR i.indexrelid = ANY(%(locked)s::bigint[])
)
SELECT
    c.oid::bigint AS oid,
    n.nspname AS schema,
    c.relname AS "table",
    c.relkind = 'p' AS is_partitioned,
    pg_get_userbyid(c.relowner)::text AS owner,
    pg_has_role(c.relowner, 'USAGE')
        OR (NOT c.relisshared AND pg_has_role(d.datdba, 'USAGE'))
        OR CASE WHEN to_regrole('pg_maintain') IS NOT NULL THEN has_table_privilege(c.oid, 'MAINTAIN') ELSE false END
        AS may,
    CASE WHEN to_regrole('pg_maintain') IS NOT NULL
         THEN format('GRANT MAINTAIN ON %%I.%%I TO %%I;', n.nspname, c.relname, current_user) END AS remedy,
    CASE WHEN busy.oid IS NULL THEN pg_total_relation_size(c.oid) END AS bytes,
    CASE WHEN c.relkind <> 'p' THEN pg_stat_get_dead_tuples(c.oid) END AS dead
FROM chosen
JOIN pg_class AS c USING (oid)
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_database AS d ON d.datname = current_database()
LEFT JOIN (SELECT DISTINCT oid FROM busy) AS busy ON busy.oid = c.oid
WHERE c.relkind IN ('r', 'm', 'p')
ORDER BY (c.relkind = 'p'), n.nspname, c.relname;
