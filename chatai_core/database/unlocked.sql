-- Which relations does somebody hold, or wait for, so that even their size would have to be waited for?
SELECT coalesce(array_agg(DISTINCT relation::bigint), '{}')
FROM pg_locks
WHERE locktype = 'relation'
  AND mode = 'AccessExclusiveLock'
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND pid IS DISTINCT FROM pg_backend_pid();
