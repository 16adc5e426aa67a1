-- What has one of these names in this schema, and of which table is it, where it is an index?
SELECT c.relname AS name, t.relname AS table, pg_describe_object('pg_class'::regclass, c.oid, 0) AS thing
  FROM pg_class c
  LEFT JOIN pg_index x ON x.indexrelid = c.oid
  LEFT JOIN pg_class t ON t.oid = x.indrelid
 WHERE c.relnamespace = to_regnamespace(quote_ident(current_schema())) AND c.relname = ANY (%(names)s)
 ORDER BY 1;
