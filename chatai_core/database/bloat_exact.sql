-- What does reading the whole table show, and its TOAST, and its btree indexes?
SELECT
    heap.tuple_count AS live,
    heap.dead_tuple_count AS dead,
    greatest(
        heap.dead_tuple_len + heap.free_space
        - heap.table_len * (100 - coalesce(
            (SELECT option_value::int FROM pg_options_to_table(c.reloptions) WHERE option_name = 'fillfactor'), 100
        )) / 100,
        0
    )::bigint AS heap,
    (
        SELECT toast.dead_tuple_len + toast.free_space
        FROM pgstattuple_schema.pgstattuple(nullif(c.reltoastrelid, 0)::regclass) AS toast
    ) AS toast,
    indexes.bloat::bigint AS indexes,
    indexes.unknown::int AS indexes_unknown
FROM pg_class AS c
CROSS JOIN LATERAL pgstattuple_schema.pgstattuple(c.oid::regclass) AS heap
CROSS JOIN LATERAL (
    SELECT
        -- a density is in percent of what is not free; NaN without a leaf
        sum(
            current_setting('block_size')::int * (
                read.empty_pages + read.deleted_pages
                + read.leaf_pages * greatest(1 - nullif(read.avg_leaf_density, 'NaN') / each.fillfactor, 0)
            )
        ) AS bloat,
        count(*) FILTER (WHERE each.index IS NULL) AS unknown
    FROM (
        SELECT
            CASE WHEN NOT i.indexrelid = ANY (%(locked)s::oid[]) AND i.indisvalid THEN i.indexrelid END AS index,
            coalesce(
                (SELECT option_value::int FROM pg_options_to_table(ic.reloptions) WHERE option_name = 'fillfactor'), 90
            ) AS fillfactor
        FROM pg_index AS i
        JOIN pg_class AS ic ON ic.oid = i.indexrelid
        JOIN pg_am AS m ON m.oid = ic.relam AND m.amname = 'btree'
        WHERE i.indrelid = c.oid
    ) AS each
    CROSS JOIN LATERAL pgstattuple_schema.pgstatindex(each.index::regclass) AS read
) AS indexes
WHERE c.oid = %(table)s
  AND NOT c.oid = ANY (%(locked)s::oid[])
  AND NOT c.reltoastrelid = ANY (%(locked)s::oid[]);
