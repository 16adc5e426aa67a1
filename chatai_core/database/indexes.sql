-- Which indexes are there, how large, how often used, in which state? Those of partitions count in their table's.
WITH each AS (
    SELECT
        c.oid,
        CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::oid ELSE c.oid END AS root,
        c.relkind,
        CASE
            WHEN c.relkind = 'I' THEN 0
            WHEN c.oid = ANY (%(locked)s::oid[]) THEN NULL
            ELSE pg_relation_size(c.oid)
        END AS size,
        pg_stat_get_numscans(c.oid) AS scans,
        used.last_scan
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    -- before PostgreSQL 16 the view has no column of this name: there it means the null outside of the view
    CROSS JOIN (VALUES (NULL::timestamptz)) AS before_16 (last_idx_scan)
    LEFT JOIN LATERAL (
        SELECT s.indexrelid, last_idx_scan AS last_scan FROM pg_stat_all_indexes AS s
    ) AS used ON used.indexrelid = c.oid
    WHERE c.relkind IN ('i', 'I')
      AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND n.nspname NOT LIKE 'pg\_toast%%'
      AND n.nspname NOT LIKE 'pg\_temp%%'
      AND (
          %(indexes)s::oid[] IS NULL
          OR CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::oid ELSE c.oid END = ANY (%(indexes)s::oid[])
      )
),
summed AS (
    -- a sum of which one part is unknown is unknown
    SELECT
        root,
        CASE WHEN count(*) = count(size) THEN sum(size) END AS size_bytes,
        sum(scans) AS scans,
        max(last_scan) AS last_scan,
        count(*) FILTER (WHERE relkind = 'i' AND oid <> root) AS partitions
    FROM each
    GROUP BY root
),
builds AS (
    -- what a role may not see has no relid
    SELECT relid, phase, round((blocks_done / nullif(blocks_total, 0)::numeric), 3)::float AS done
    FROM pg_stat_progress_create_index
    WHERE datname = current_database()
)
SELECT
    n.nspname AS schema,
    t.relname AS "table",
    c.relname AS index,
    m.amname AS method,
    summed.size_bytes::bigint AS size_bytes,
    summed.scans::bigint AS scans,
    CASE
        WHEN i.indisvalid AND i.indisready AND i.indislive THEN 'valid'
        WHEN i.indrelid IN (SELECT relid FROM builds) THEN 'being built'
        WHEN EXISTS (SELECT FROM builds WHERE relid IS NULL) THEN 'being built or invalid'
        WHEN c.relkind = 'I' THEN 'incomplete'
        ELSE 'invalid'
    END AS state,
    summed.last_scan,
    i.indisunique AS is_unique,
    i.indisprimary AS is_primary,
    backed.conname AS "constraint",
    i.indpred IS NOT NULL AS is_partial,
    i.indexprs IS NOT NULL AS has_expressions,
    summed.partitions::int AS partitions,
    space.spcname AS tablespace,
    CASE
        WHEN c.reloptions IS NOT NULL
        THEN (SELECT json_object_agg(option_name, option_value) FROM pg_options_to_table(c.reloptions))
    END AS options,
    (
        SELECT concat_ws(' ', phase, to_char(100 * done, 'FM990.0') || ' %%')
        FROM builds
        WHERE NOT i.indisvalid AND relid = i.indrelid
        LIMIT 1
    ) AS progress,
    c.oid::bigint AS oid,
    i.indrelid::bigint AS table_oid
FROM summed
JOIN pg_class AS c ON c.oid = summed.root
JOIN pg_index AS i ON i.indexrelid = c.oid
JOIN pg_class AS t ON t.oid = i.indrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_am AS m ON m.oid = c.relam
LEFT JOIN pg_tablespace AS space ON space.oid = c.reltablespace
LEFT JOIN pg_constraint AS backed ON backed.conindid = c.oid AND backed.contype IN ('p', 'u', 'x')
WHERE (%(schema)s::text IS NULL OR n.nspname = %(schema)s)
  AND (%(tables)s::oid[] = '{}' OR i.indrelid = ANY (%(tables)s::oid[]))
ORDER BY summed.size_bytes DESC NULLS LAST, n.nspname, c.relname;
