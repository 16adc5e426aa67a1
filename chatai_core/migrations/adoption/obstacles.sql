-- What uses a column of these tables so that PostgreSQL refuses to change the column's type?
SELECT DISTINCT coalesce(r.rulename = '_RETURN', false) AS is_view,
       CASE WHEN r.rulename = '_RETURN' THEN r.ev_class::regclass::text
            WHEN g.attname IS NOT NULL THEN pg_describe_object('pg_class'::regclass, g.attrelid, g.attnum)
            ELSE pg_describe_object(d.classid, d.objid, 0) END AS thing,
       c.relname AS table, a.attname AS column
  FROM pg_depend d
  JOIN pg_class c ON d.refclassid = 'pg_class'::regclass AND c.oid = d.refobjid AND c.relkind = 'r'
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
  LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
  LEFT JOIN pg_attrdef f ON d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid
  LEFT JOIN pg_attribute g ON g.attrelid = f.adrelid AND g.attnum = f.adnum AND g.attgenerated <> ''
                          AND g.attnum <> a.attnum
 WHERE c.relnamespace = to_regnamespace(quote_ident(current_schema())) AND c.relname = ANY (%(tables)s)
   AND (r.oid IS NOT NULL OR g.attname IS NOT NULL
        OR d.classid IN ('pg_policy'::regclass, 'pg_proc'::regclass)
        OR (d.classid = 'pg_trigger'::regclass
            AND EXISTS (SELECT FROM pg_trigger t WHERE t.oid = d.objid AND NOT t.tgisinternal))
        OR (d.classid = 'pg_publication_rel'::regclass
            AND EXISTS (SELECT FROM pg_publication_rel p WHERE p.oid = d.objid AND to_jsonb(p)->>'prqual' IS NOT NULL)))
 ORDER BY 1 DESC, 2, 3, 4;
