-- Cancel the query of one session, if it is still the session and the query that were seen.
SELECT pg_cancel_backend(a.pid)
FROM pg_stat_activity AS a
WHERE a.pid = %(pid)s
  AND a.backend_start = %(backend_start)s
  AND a.query_start IS NOT DISTINCT FROM %(query_start)s
  AND a.state NOT LIKE 'idle%%'
  AND a.pid <> pg_backend_pid();
