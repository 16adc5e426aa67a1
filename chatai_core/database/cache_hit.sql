-- How much of what was wanted did PostgreSQL find in its own cache: all, tables (with TOAST), indexes, each alone?
WITH relations AS (
    SELECT
        'table' AS kind,
        schemaname AS schema,
        relname AS name,
        heap_blks_hit + coalesce(toast_blks_hit, 0) AS hit,
        heap_blks_read + coalesce(toast_blks_read, 0) AS read
    FROM pg_statio_user_tables
    WHERE %(schema)s::text IS NULL OR schemaname = %(schema)s
    UNION ALL
    SELECT 'index', schemaname, indexrelname, idx_blks_hit, idx_blks_read
    FROM pg_statio_user_indexes
    WHERE %(schema)s::text IS NULL OR schemaname = %(schema)s
),
counted AS (
    SELECT 1 AS place, 'database' AS kind, NULL::name AS schema, datname AS name, blks_hit AS hit, blks_read AS read
    FROM pg_stat_database
    WHERE datname = current_database() AND %(schema)s::text IS NULL
    UNION ALL
    SELECT kinds.place, kinds.name, %(schema)s::name, NULL, coalesce(sum(r.hit), 0), coalesce(sum(r.read), 0)
    FROM (VALUES (2, 'tables', 'table'), (3, 'indexes', 'index')) AS kinds (place, name, kind)
    LEFT JOIN relations AS r ON r.kind = kinds.kind
    GROUP BY kinds.place, kinds.name
    UNION ALL
    (
        SELECT 4, kind, schema, name, hit, read
        FROM relations
        ORDER BY read DESC, hit DESC, schema, name
        LIMIT %(limit)s
    )
)
SELECT
    kind,
    schema,
    name,
    hit::float8 / nullif(hit + read, 0) AS hit_share,
    read::bigint * current_setting('block_size')::bigint AS read_bytes,
    hit::bigint * current_setting('block_size')::bigint AS hit_bytes,
    read::bigint AS blocks_read
FROM counted
ORDER BY place, read DESC, hit DESC, schema, name;
