-- Which of these tables are in the schema that ChatAI uses, and which columns have they?
SELECT c.relname AS table, array_agg(a.attname::text ORDER BY a.attnum) AS columns
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relnamespace = to_regnamespace(current_schema())
   AND c.relkind = 'r'
   AND c.relname = ANY (%(tables)s)
 GROUP BY c.relname
 ORDER BY array_position(%(tables)s, c.relname::text);
