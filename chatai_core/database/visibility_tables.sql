-- How many tables and materialized views are there, and from how many of them may this role not SELECT?
SELECT
    count(*)::int AS tables,
    (count(*) FILTER (WHERE NOT has_table_privilege(c.oid, 'SELECT')))::int AS hidden
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND n.nspname NOT LIKE 'pg\_toast%%'
  AND n.nspname NOT LIKE 'pg\_temp%%';
