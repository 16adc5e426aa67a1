-- Which indexes that back no constraint have these tables in this schema, in the server's own words without the schema?
WITH found AS (
    SELECT c.relname AS table, i.relname AS name, x.indkey, c.oid,
           replace(replace(pg_get_indexdef(i.oid), ' ON ' || quote_ident(n.nspname) || '.', ' ON '), ' ON pg_temp.', ' ON ')
               || CASE WHEN x.indisvalid THEN '' ELSE ' /* invalid */' END AS statement
      FROM pg_index x
      JOIN pg_class c ON c.oid = x.indrelid
      JOIN pg_class i ON i.oid = x.indexrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relnamespace = %(schema)s AND c.relkind = 'r' AND c.relname = ANY (%(tables)s)
       AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x'))
)
SELECT f.table, f.name,
       ARRAY(SELECT coalesce(a.attname::text, '')
               FROM unnest(f.indkey::int2[]) WITH ORDINALITY AS key (attnum, place)
               LEFT JOIN pg_attribute a ON a.attrelid = f.oid AND a.attnum = key.attnum
              ORDER BY place) AS columns,
       f.statement,
       replace(f.statement, ' ' || quote_ident(f.name) || ' ON ', ' ON ') AS shape
  FROM found f
 ORDER BY array_position(%(tables)s, f.table::text), f.name;
