-- Which tables take the space: heap, TOAST and indexes apart; partitions count in the table they belong to.
WITH owned AS (
    SELECT c.oid, coalesce(pg_partition_root(c.oid)::oid, c.oid) AS table_oid, c.relkind, c.reltuples, c.reltoastrelid
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'm')
      AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND n.nspname NOT LIKE 'pg\_toast%%'
      AND n.nspname NOT LIKE 'pg\_temp%%'
      AND (%(schema)s::text IS NULL OR n.nspname = %(schema)s)
),
measured AS (
    -- a table dropped meanwhile has the size NULL
    SELECT
        owned.*,
        CASE WHEN reltoastrelid = 0 THEN 0 ELSE coalesce(pg_total_relation_size(reltoastrelid), 0) END AS toast,
        coalesce(pg_table_size(oid), 0) AS heap_and_toast,
        coalesce(pg_indexes_size(oid), 0) AS indexes
    FROM owned
),
summed AS (
    SELECT
        table_oid,
        -- reltuples -1 means never analyzed: unknown, not empty
        CASE WHEN NOT bool_or(relkind <> 'p' AND reltuples < 0)
             THEN sum(CASE WHEN relkind = 'p' THEN 0 ELSE reltuples END) END AS rows_estimate,
        sum(heap_and_toast - toast) AS table_bytes,
        sum(indexes) AS index_bytes,
        sum(toast) AS toast_bytes,
        sum(heap_and_toast + indexes) AS total_bytes
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
    summed.total_bytes::bigint AS total_bytes
FROM summed
JOIN pg_class AS c ON c.oid = summed.table_oid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
ORDER BY summed.total_bytes DESC, n.nspname, c.relname
LIMIT %(limit)s;
