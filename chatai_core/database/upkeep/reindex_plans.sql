-- Which indexes are meant, partitions with theirs; may this role rebuild them, and can others go on working meanwhile?
WITH RECURSIVE chosen AS (
    SELECT c.oid
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm', 'p', 'i', 'I')
      AND n.nspname NOT LIKE 'pg\_temp%%'
      AND n.nspname NOT LIKE 'pg\_toast%%'
      AND CASE WHEN %(chosen)s::bigint[] IS NOT NULL THEN c.oid = ANY(%(chosen)s::bigint[])
               ELSE %(system)s OR n.nspname NOT IN ('pg_catalog', 'information_schema') END
    UNION
    SELECT i.inhrelid
    FROM chosen
    JOIN pg_class AS parent ON parent.oid = chosen.oid AND parent.relkind IN ('p', 'I')
    JOIN pg_inherits AS i ON i.inhparent = parent.oid
),
meant AS (
    SELECT oid FROM chosen
    UNION
    SELECT i.indexrelid FROM chosen JOIN pg_index AS i ON i.indrelid = chosen.oid
    UNION
    -- of a TOAST table only what REINDEX TABLE CONCURRENTLY has left over
    SELECT i.indexrelid
    FROM chosen
    JOIN pg_class AS t USING (oid)
    JOIN pg_index AS i ON i.indrelid = t.reltoastrelid
    JOIN pg_class AS copy ON copy.oid = i.indexrelid
    WHERE NOT i.indisvalid AND copy.relname ~ '_cc(new|old)[0-9]*$'
)
SELECT
    c.oid::bigint AS oid,
    t.oid::bigint AS table_oid,
    n.nspname AS schema,
    t.relname AS "table",
    c.relname AS index,
    m.amname AS method,
    c.reloptions AS options,
    t.reltuples::float8 AS rows,
    (SELECT max(a.atttypmod) FROM pg_attribute AS a WHERE a.attrelid = c.oid) AS dimensions,
    CASE WHEN c.oid <> ALL(%(locked)s::bigint[]) THEN pg_relation_size(c.oid) END AS bytes,
    c.reltablespace = 0 AS is_in_default_tablespace,
    NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$' AS is_left_over,
    i.indisexclusion AS is_exclusion,
    n.nspname = 'pg_catalog' AS is_system,
    pg_get_userbyid(c.relowner)::text AS owner,
    pg_has_role(c.relowner, 'USAGE') AS owns,
    pg_has_role(c.relowner, 'USAGE')
        OR CASE WHEN to_regrole('pg_maintain') IS NOT NULL THEN has_table_privilege(t.oid, 'MAINTAIN') ELSE false END
        AS may,
    CASE WHEN to_regrole('pg_maintain') IS NOT NULL
         THEN format('GRANT MAINTAIN ON %%I.%%I TO %%I;', n.nspname, t.relname, current_user) END AS remedy,
    -- whoever builds, rebuilds or drops an index concurrently holds its table so
    (SELECT min(l.pid)
     FROM pg_locks AS l
     WHERE l.locktype = 'relation'
       AND l.relation = t.oid
       AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
       AND l.granted
       AND l.pid IS DISTINCT FROM pg_backend_pid()
       AND l.mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')) AS worker
FROM meant
JOIN pg_class AS c USING (oid)
JOIN pg_index AS i ON i.indexrelid = c.oid
JOIN pg_class AS t ON t.oid = i.indrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_am AS m ON m.oid = c.relam
WHERE c.relkind = 'i'
ORDER BY n.nspname, t.relname, c.relname;
