-- Which indexes of a table are invalid, and does another session work on the table at the moment?
SELECT
    c.oid::bigint AS oid,
    n.nspname AS schema,
    c.relname AS index,
    EXISTS (
        SELECT FROM pg_locks AS l
        WHERE l.locktype = 'relation'
          AND l.relation = i.indrelid
          AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
          AND l.granted
          AND l.pid IS DISTINCT FROM pg_backend_pid()
          AND l.mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')
    ) AS is_in_work
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE i.indrelid = %(table)s::oid
  AND NOT i.indisvalid
ORDER BY c.relname;
