-- Which tables, materialized views and indexes have a name that somebody may type?
SELECT json_agg(
    json_build_object(
        'oid', c.oid::bigint,
        'schema', n.nspname,
        'name', c.relname,
        'is_visible', pg_table_is_visible(c.oid)
    )
)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = ANY(%(kinds)s)
  AND n.nspname NOT LIKE 'pg\_temp%%'
  AND n.nspname NOT LIKE 'pg\_toast\_temp%%';
