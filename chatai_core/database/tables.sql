-- Which tables take the space: heap, TOAST and indexes apart; partitions count in the table they belong to.
WITH owned AS (
    SELECT
        c.oid,
        CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::oid ELSE c.oid END AS table_oid,
        c.relkind,
        c.reltuples,
        c.reltoastrelid
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'm')
      AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND n.nspname NOT LIKE 'pg\_toast%%'
      AND n.nspname NOT LIKE 'pg\_temp%%'
),
vector_types AS (
    SELECT d.objid AS oid
    FROM pg_depend AS d
    JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
    WHERE d.classid = 'pg_type'::regclass AND e.extname = 'vector'
),
vector_methods AS (
    SELECT d.objid AS oid
    FROM pg_depend AS d
    JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
    WHERE d.classid = 'pg_am'::regclass AND e.extname = 'vector'
),
vectors AS (
    SELECT a.attrelid, array_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum) AS columns
    FROM pg_attribute AS a
    JOIN vector_types AS t ON t.oid = a.atttypid
    WHERE a.attnum > 0
    GROUP BY a.attrelid
),
sizes AS (
    -- in one pass, which is what takes the time; a relation dropped meanwhile has the size NULL
    SELECT
        c.oid,
        c.relam,
        CASE
            WHEN c.oid = ANY (%(locked)s::oid[]) THEN NULL
            ELSE coalesce(
                pg_relation_size(c.oid, 'main') + pg_relation_size(c.oid, 'fsm')
                + CASE WHEN c.relkind = 'i' THEN 0 ELSE pg_relation_size(c.oid, 'vm') END
                + CASE WHEN c.relpersistence = 'u' THEN pg_relation_size(c.oid, 'init') ELSE 0 END,
                0
            )
        END AS size
    FROM pg_class AS c
    WHERE c.relkind IN ('r', 'm', 't', 'i') AND c.oid >= 16384  -- the first oid that no catalogue has
),
indexes AS (
    -- a sum of which one part is unknown is unknown
    SELECT
        i.indrelid,
        CASE WHEN count(*) = count(size) THEN sum(size) END AS size,
        CASE WHEN count(*) = count(size)
             THEN coalesce(sum(size) FILTER (WHERE s.relam IN (SELECT oid FROM vector_methods)), 0) END AS vector_size
    FROM pg_index AS i
    JOIN sizes AS s ON s.oid = i.indexrelid
    GROUP BY i.indrelid
),
measured AS (
    SELECT
        owned.*,
        CASE WHEN owned.relkind = 'p' THEN 0 ELSE heap.size END AS heap,
        CASE WHEN owned.reltoastrelid = 0 THEN 0 ELSE toast.size + toast_index.size END AS toast,
        CASE WHEN indexes.indrelid IS NULL THEN 0 ELSE indexes.size END AS indexes,
        CASE WHEN indexes.indrelid IS NULL THEN 0 ELSE indexes.vector_size END AS vector_indexes
    FROM owned
    LEFT JOIN sizes AS heap ON heap.oid = owned.oid
    LEFT JOIN sizes AS toast ON toast.oid = owned.reltoastrelid
    LEFT JOIN indexes AS toast_index ON toast_index.indrelid = owned.reltoastrelid
    LEFT JOIN indexes ON indexes.indrelid = owned.oid
),
summed AS (
    SELECT
        table_oid,
        -- reltuples -1 means never analyzed: unknown, not empty
        CASE WHEN NOT bool_or(relkind <> 'p' AND reltuples < 0)
             THEN sum(CASE WHEN relkind = 'p' THEN 0 ELSE reltuples END) END AS rows_estimate,
        CASE WHEN NOT bool_or(heap IS NULL) THEN sum(heap) END AS table_bytes,
        CASE WHEN NOT bool_or(indexes IS NULL) THEN sum(indexes) END AS index_bytes,
        CASE WHEN NOT bool_or(toast IS NULL) THEN sum(toast) END AS toast_bytes,
        CASE WHEN NOT bool_or(heap + toast + indexes IS NULL) THEN sum(heap + toast + indexes) END AS total_bytes,
        CASE WHEN NOT bool_or(vector_indexes IS NULL) THEN sum(vector_indexes) END AS vector_index_bytes,
        count(*) FILTER (WHERE relkind <> 'p' AND oid <> table_oid) AS partitions
    FROM measured
    GROUP BY table_oid
)
SELECT
    n.nspname AS schema,
    c.relname AS "table",
    summed.rows_estimate::bigint AS rows_estimate,
    summed.table_bytes::bigint AS table_bytes,
    summed.index_bytes::bigint AS index_bytes,
    summed.toast_bytes::bigint AS toast_bytes,
    summed.total_bytes::bigint AS total_bytes,
    CASE c.relkind WHEN 'p' THEN 'partitioned table' WHEN 'm' THEN 'materialized view' ELSE 'table' END AS kind,
    summed.partitions::int AS partitions,
    coalesce(vectors.columns, '{}') AS vector_columns,
    summed.vector_index_bytes::bigint AS vector_index_bytes
FROM summed
JOIN pg_class AS c ON c.oid = summed.table_oid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN vectors ON vectors.attrelid = c.oid
WHERE (%(schema)s::text IS NULL OR n.nspname = %(schema)s)
  AND (%(tables)s::oid[] = '{}' OR c.oid = ANY (%(tables)s::oid[]))
ORDER BY summed.total_bytes DESC NULLS LAST, n.nspname, c.relname;
