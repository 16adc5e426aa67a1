-- How wide are the rows of these tables, and of their btree indexes, as far as this role sees the statistics?
WITH relations AS (
    SELECT
        c.oid, c.oid AS table_oid, n.nspname, c.relname, c.reltuples, c.reloptions, 100 AS fillfactor,
        false AS is_index, false AS has_duplicates, false AS is_partial,
        NOT row_security_active(c.oid) AS shows_all_rows
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = ANY (%(tables)s::oid[])
    UNION ALL
    SELECT
        c.oid, i.indrelid, n.nspname, c.relname, c.reltuples, c.reloptions, 90,
        true,
        -- equal keys are stored once, unless an operator class or a collation cannot tell what is equal byte for byte
        NOT i.indisunique AND i.indnatts = i.indnkeyatts AND NOT EXISTS (
            SELECT
            FROM unnest(i.indclass::oid[], i.indcollation::oid[]) AS k (opclass, sorting)
            JOIN pg_opclass AS o ON o.oid = k.opclass
            LEFT JOIN pg_collation AS l ON l.oid = k.sorting
            WHERE NOT coalesce(l.collisdeterministic, true)
               OR NOT EXISTS (
                   SELECT FROM pg_amproc AS p
                   WHERE p.amprocfamily = o.opcfamily AND p.amproclefttype = o.opcintype
                     AND p.amprocrighttype = o.opcintype AND p.amprocnum = 4
               )
        ),
        i.indpred IS NOT NULL,
        NOT row_security_active(i.indrelid)
    FROM pg_index AS i
    JOIN pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_am AS m ON m.oid = c.relam
    WHERE i.indrelid = ANY (%(tables)s::oid[]) AND m.amname = 'btree' AND i.indisvalid
),
columns AS (
    -- the statistics of an index's plain column are its table's
    SELECT
        r.oid,
        a.attnum,
        a.attlen,
        a.attalign,
        a.attisdropped OR a.attgenerated = 'v' AS is_absent,
        r.nspname,
        coalesce(t.relname, r.relname) AS relname,
        coalesce(ta.attname, a.attname) AS attname
    FROM relations AS r
    JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0
    LEFT JOIN pg_index AS i ON r.is_index AND i.indexrelid = r.oid
    LEFT JOIN pg_attribute AS ta ON ta.attrelid = r.table_oid AND ta.attnum = i.indkey[a.attnum - 1] AND ta.attnum > 0
    LEFT JOIN pg_class AS t ON t.oid = ta.attrelid
)
SELECT
    r.oid::bigint AS oid,
    r.table_oid::bigint AS table_oid,
    r.is_index,
    r.is_partial,
    r.has_duplicates,
    r.shows_all_rows,
    r.reltuples::float AS tuples,
    coalesce(
        (SELECT option_value::int FROM pg_options_to_table(r.reloptions) WHERE option_name = 'fillfactor'), r.fillfactor
    ) AS fillfactor,
    coalesce(
        (SELECT option_value::bool FROM pg_options_to_table(r.reloptions) WHERE option_name = 'deduplicate_items'), true
    ) AS deduplicates,
    CASE WHEN NOT r.is_index OR r.oid = ANY (%(locked)s::oid[]) THEN NULL
         ELSE pg_relation_size(r.oid) / current_setting('block_size')::int END AS index_pages,
    k.columns,
    k.lengths,
    k.alignments,
    k.widths,
    k.nulls,
    k.distincts
FROM relations AS r
JOIN (
    SELECT
        c.oid,
        count(*) AS columns,
        array_agg(c.attlen::int ORDER BY c.attnum) FILTER (WHERE NOT c.is_absent) AS lengths,
        string_agg(c.attalign::text, '' ORDER BY c.attnum) FILTER (WHERE NOT c.is_absent) AS alignments,
        array_agg(s.avg_width ORDER BY c.attnum) FILTER (WHERE NOT c.is_absent) AS widths,
        array_agg(s.null_frac::float ORDER BY c.attnum) FILTER (WHERE NOT c.is_absent) AS nulls,
        array_agg(s.n_distinct::float ORDER BY c.attnum) FILTER (WHERE NOT c.is_absent) AS distincts
    FROM columns AS c
    LEFT JOIN pg_stats AS s
        ON s.schemaname = c.nspname AND s.tablename = c.relname AND s.attname = c.attname AND NOT s.inherited
    GROUP BY c.oid
) AS k ON k.oid = r.oid
ORDER BY r.table_oid, r.is_index;
