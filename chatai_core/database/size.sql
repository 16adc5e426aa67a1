-- What of the database are tables, indexes, TOAST; how much of that is locked, so that it cannot be measured?
WITH measured AS (
    SELECT
        c.relkind,
        n.nspname = 'pg_toast' AS is_toast,
        CASE
            WHEN c.oid = ANY (%(locked)s::oid[]) THEN NULL
            -- pg_table_size would count a table's TOAST with it, and look for four files each
            ELSE pg_relation_size(c.oid, 'main') + pg_relation_size(c.oid, 'fsm')
                 + CASE WHEN c.relkind = 'i' THEN 0 ELSE pg_relation_size(c.oid, 'vm') END
                 + CASE WHEN c.relpersistence = 'u' THEN pg_relation_size(c.oid, 'init') ELSE 0 END
        END AS size
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm', 'i', 't')
      AND c.oid >= 16384  -- the first oid that no catalogue has
      AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND n.nspname NOT LIKE 'pg\_temp%%'
      AND n.nspname NOT LIKE 'pg\_toast\_temp%%'
)
SELECT
    current_database() AS database,
    coalesce(sum(size) FILTER (WHERE relkind IN ('r', 'm')), 0)::bigint AS table_bytes,
    coalesce(sum(size) FILTER (WHERE relkind = 'i' AND NOT is_toast), 0)::bigint AS index_bytes,
    coalesce(sum(size) FILTER (WHERE is_toast), 0)::bigint AS toast_bytes,
    count(*) FILTER (WHERE size IS NULL) AS unmeasured
FROM measured;
