-- By what does each working index find rows: method, columns with their operator classes, collations, order; condition?
SELECT
    i.indexrelid::bigint AS oid,
    i.indrelid::bigint AS table_oid,
    c.relname AS index,
    format('%%I.%%I', n.nspname, c.relname) AS name,
    m.amname AS method,
    i.indnkeyatts AS key_columns,
    i.indkey::text AS attributes,
    i.indclass::text AS classes,
    i.indcollation::text AS collations,
    i.indoption::text AS orders,
    locked.is_locked AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL) AS is_unreadable,
    CASE WHEN i.indexprs IS NOT NULL AND NOT locked.is_locked THEN ARRAY(
        SELECT pg_get_indexdef(i.indexrelid, k, false)
        FROM generate_series(1, i.indnatts) AS k
        WHERE i.indkey[k - 1] = 0
    ) END AS expressions,
    CASE WHEN i.indpred IS NOT NULL AND NOT locked.is_locked THEN pg_get_expr(i.indpred, i.indrelid) END AS predicate,
    c.reloptions AS options,
    i.indisunique AS is_unique,
    i.indimmediate AS is_immediate,
    i.nulls_not_distinct,
    i.indisreplident OR i.indisclustered
        OR EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = i.indexrelid) AS is_held,
    c.relispartition AS is_part
-- before PostgreSQL 15 an index has no such column: there its name means the value outside
FROM (VALUES (false)) AS before_15 (indnullsnotdistinct)
CROSS JOIN LATERAL (
    SELECT
        each.*,
        indnullsnotdistinct AS nulls_not_distinct,
        -- one that begins with a column as no other does repeats none
        count(*) OVER (PARTITION BY each.indrelid, each.indkey[0]) AS alike
    FROM pg_index AS each
    WHERE each.indisvalid AND each.indisready AND each.indislive
) AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_am AS m ON m.oid = c.relam
CROSS JOIN LATERAL (
    SELECT i.indexrelid = ANY (%(locked)s::oid[]) OR i.indrelid = ANY (%(locked)s::oid[]) AS is_locked
) AS locked
WHERE i.alike > 1
  AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND n.nspname NOT LIKE 'pg\_toast%%'
  AND n.nspname NOT LIKE 'pg\_temp%%'
  AND (%(schema)s::text IS NULL OR n.nspname = %(schema)s)
  AND (%(tables)s::oid[] = '{}' OR i.indrelid = ANY (%(tables)s::oid[]))
ORDER BY i.indrelid, i.indexrelid;
