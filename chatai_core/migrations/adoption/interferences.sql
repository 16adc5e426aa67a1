-- What changes or hides what is written to these tables: rules of theirs, and row security that holds for this role?
SELECT c.relname AS table, pg_describe_object('pg_rewrite'::regclass, r.oid, 0) AS thing
  FROM pg_class c
  JOIN pg_rewrite r ON r.ev_class = c.oid
 WHERE c.relnamespace = to_regnamespace(quote_ident(current_schema())) AND c.relkind = 'r'
   AND c.relname = ANY (%(tables)s)
UNION ALL
SELECT c.relname, NULL
  FROM pg_class c
 WHERE c.relnamespace = to_regnamespace(quote_ident(current_schema())) AND c.relkind = 'r'
   AND c.relname = ANY (%(tables)s) AND row_security_active(c.oid)
 ORDER BY 1, 2;
