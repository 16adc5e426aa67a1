-- Which columns have these tables in this schema, in the server's own words?
SELECT c.relname AS table,
       a.attname AS name,
       format_type(a.atttypid, a.atttypmod) AS type,
       a.attnotnull AS required,
       pg_get_expr(d.adbin, d.adrelid) AS default,
       concat(a.attidentity, a.attgenerated) AS generated,
       (SELECT s.relname
          FROM pg_depend o JOIN pg_class s ON s.oid = o.objid AND s.relkind = 'S'
         WHERE o.classid = 'pg_class'::regclass AND o.refobjid = c.oid AND o.refobjsubid = a.attnum
           AND o.deptype IN ('a', 'i')
         LIMIT 1) AS sequence
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
 WHERE c.relnamespace = %(schema)s AND c.relkind = 'r' AND c.relname = ANY (%(tables)s)
 ORDER BY array_position(%(tables)s, c.relname::text), a.attnum;
