-- Terminate one session, if it is still the one that was seen.
SELECT pg_terminate_backend(a.pid)
FROM pg_stat_activity AS a
WHERE a.pid = %(pid)s
  AND a.backend_start = %(backend_start)s
  AND a.pid <> pg_backend_pid();
