-- Which foreign keys need these indexes of these tables?
SELECT k.conrelid::regclass::text AS table, k.conname AS name, i.relname AS index
  FROM pg_constraint k
  JOIN pg_class c ON c.oid = k.confrelid
  JOIN pg_class i ON i.oid = k.conindid
 WHERE k.contype = 'f' AND c.relnamespace = to_regnamespace(quote_ident(current_schema()))
   AND c.relname = ANY (%(tables)s) AND i.relname = ANY (%(indexes)s)
 ORDER BY 1, 2;
