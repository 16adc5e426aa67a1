-- What do the catalogue and the counters know of each table: rows living and dead, pages, changes, last vacuum?
SELECT
    n.nspname AS schema,
    c.relname AS "table",
    c.oid::bigint AS oid,
    c.reltuples::float AS tuples,
    c.relpages AS pages_then,
    CASE WHEN NOT c.oid = ANY (%(locked)s::oid[])
         THEN pg_relation_size(c.oid) / current_setting('block_size')::int END AS pages,
    pg_stat_get_live_tuples(c.oid) AS counted_live,
    pg_stat_get_dead_tuples(c.oid) AS counted_dead,
    pg_stat_get_mod_since_analyze(c.oid) AS modified,
    pg_stat_get_ins_since_vacuum(c.oid) AS inserted,
    greatest(pg_stat_get_last_vacuum_time(c.oid), pg_stat_get_last_autovacuum_time(c.oid)) AS last_vacuum,
    greatest(pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid)) AS last_analyze,
    c.all_frozen AS frozen_pages,
    indexes.number AS indexes,
    indexes.pages AS index_pages,
    c.reloptions AS options,
    has_any_column_privilege(c.oid, 'SELECT') AS may_read
-- before PostgreSQL 18 a table has no such column: there its name means the zero outside
FROM (VALUES (0)) AS before_18 (relallfrozen)
CROSS JOIN LATERAL (SELECT each.*, relallfrozen AS all_frozen FROM pg_class AS each) AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT
        count(*)::int AS number,
        coalesce(sum(
            CASE WHEN NOT i.indexrelid = ANY (%(locked)s::oid[])
                 THEN pg_relation_size(i.indexrelid) / current_setting('block_size')::int END
        ), 0)::bigint AS pages
    FROM pg_index AS i
    JOIN pg_class AS ic ON ic.oid = i.indexrelid
    JOIN pg_am AS m ON m.oid = ic.relam AND m.amname = 'btree'
    WHERE i.indrelid = c.oid AND i.indisvalid
) AS indexes
WHERE c.relkind IN ('r', 'm')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND n.nspname NOT LIKE 'pg\_toast%%'
  AND n.nspname NOT LIKE 'pg\_temp%%'
  AND (%(schema)s::text IS NULL OR n.nspname = %(schema)s)
  AND (
      %(tables)s::oid[] = '{}'
      OR c.oid = ANY (%(tables)s::oid[])
      OR CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::oid = ANY (%(tables)s::oid[]) END
  )
ORDER BY n.nspname, c.relname;
