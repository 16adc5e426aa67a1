-- Which tables take the space: heap, TOAST and indexes apart; partitions count in the table they belong to.
WITH owned AS (
    SELECT
        c.oid,
        CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::oid ELSE c.oid END AS table_oid,
        c.relkind,
        c.reltuples,
        c.reltoastrelid,
        c.relpersistence,
        c.oid = ANY (%(locked)s::oid[]) OR c.reltoastrelid = ANY (%(locked)s::oid[]) AS is_locked
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
indexes AS (
    -- a sum of which one part is unknown is unknown
    SELECT
        indrelid,
        CASE WHEN count(*) = count(size) THEN sum(size) END AS size,
        CASE WHEN count(*) = count(size) THEN coalesce(sum(size) FILTER (WHERE is_vector), 0) END AS vector_size
    FROM (
        SELECT
            i.indrelid,
            c.relam IN (SELECT oid FROM vector_methods) AS is_vector,
            CASE WHEN i.indexrelid = ANY (%(locked)s::oid[]) THEN NULL ELSE pg_table_size(i.indexrelid) END AS size
        FROM pg_index AS i
        JOIN pg_class AS c ON c.oid = i.indexrelid
        WHERE i.indrelid IN (SELECT oid FROM owned) AND c.relkind = 'i'
    ) AS each
    GROUP BY indrelid
),
measured AS (
    -- a table dropped meanwhile has the size NULL
    SELECT
        owned.*,
        CASE
            WHEN is_locked THEN NULL
            WHEN reltoastrelid = 0 THEN 0
            ELSE coalesce(pg_total_relation_size(reltoastrelid), 0)
        END AS toast,
        CASE
            WHEN is_locked THEN NULL
            WHEN relkind = 'p' THEN 0
            ELSE coalesce(
                pg_relation_size(owned.oid, 'main') + pg_relation_size(owned.oid, 'fsm')
                + pg_relation_size(owned.oid, 'vm')
                + CASE WHEN relpersistence = 'u' THEN pg_relation_size(owned.oid, 'init') ELSE 0 END,
                0
            )
        END AS heap,
        CASE WHEN indexes.indrelid IS NULL THEN 0 ELSE indexes.size END AS indexes,
        CASE WHEN indexes.indrelid IS NULL THEN 0 ELSE indexes.vector_size END AS vector_indexes
    FROM owned
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
        CASE WHEN NOT bool_or(indexes IS NULL OR heap IS NULL) THEN sum(heap + toast + indexes) END AS total_bytes,
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
