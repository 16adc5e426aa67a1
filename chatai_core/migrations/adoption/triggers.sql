-- Which triggers that are not PostgreSQL's own fire on these tables?
SELECT c.relname AS table, t.tgname AS name, t.tgenabled::text AS state
  FROM pg_trigger t
  JOIN pg_class c ON c.oid = t.tgrelid
 WHERE c.relnamespace = to_regnamespace(quote_ident(current_schema())) AND c.relkind = 'r'
   AND c.relname = ANY (%(tables)s) AND NOT t.tgisinternal AND t.tgenabled <> 'D'
 ORDER BY array_position(%(tables)s, c.relname::text), t.tgname;
