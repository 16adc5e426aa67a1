-- Terminate one session, if it is still the one that was seen, and its query or transaction lasts too long.
SELECT pg_terminate_backend(a.pid)
FROM pg_stat_activity AS a
WHERE a.pid = %(pid)s
  AND a.backend_start = %(backend_start)s
  AND a.pid <> pg_backend_pid()
  AND extract(epoch FROM clock_timestamp() - least(
      CASE WHEN a.state LIKE 'idle in transaction%%' THEN a.state_change WHEN a.state <> 'idle' THEN a.query_start END,
      a.xact_start
  )) > %(over)s;
