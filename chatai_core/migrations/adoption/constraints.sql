-- Which constraints have these tables in this schema, in the server's own words without the schema?
SELECT c.relname AS table,
       k.conname AS name,
       k.contype::text AS kind,
       ARRAY(SELECT a.attname::text
               FROM unnest(k.conkey) WITH ORDINALITY AS key (attnum, place)
               JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = key.attnum
              ORDER BY place) AS columns,
       replace(pg_get_constraintdef(k.oid), 'REFERENCES ' || quote_ident(n.nspname) || '.', 'REFERENCES ') AS definition,
       k.contype NOT IN ('p', 'u') OR EXISTS (SELECT FROM pg_index x WHERE x.indexrelid = k.conindid AND x.indisvalid)
           AS is_valid
  FROM pg_constraint k
  JOIN pg_class c ON c.oid = k.conrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relnamespace = %(schema)s AND c.relkind = 'r' AND c.relname = ANY (%(tables)s)
   AND k.contype IN ('p', 'u', 'c', 'f')
 ORDER BY array_position(ARRAY['p', 'u', 'c', 'f'], k.contype::text),
          array_position(%(tables)s, c.relname::text), k.conname;
