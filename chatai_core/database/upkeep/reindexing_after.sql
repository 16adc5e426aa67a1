-- What became of an index: its size, and whether it is valid? A rebuilt one has its name and another number.
SELECT
    pg_relation_size(c.oid) AS bytes,
    i.indisvalid AS is_valid
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_index AS i ON i.indexrelid = c.oid
WHERE n.nspname = %(schema)s
  AND c.relname = %(index)s;
