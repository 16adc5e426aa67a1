-- Which tables, materialized views and indexes have a name that somebody may type?
SELECT
    c.oid::bigint AS oid,
    n.nspname AS schema,
    c.relname AS name,
    pg_table_is_visible(c.oid) AS is_visible
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = ANY(%(kinds)s)
  AND n.nspname NOT LIKE 'pg\_temp%%'
  AND n.nspname NOT LIKE 'pg\_toast\_temp%%';
