-- Who holds what this session waits for?
SELECT a.pid,
       coalesce(nullif(a.application_name, ''), '?') AS application,
       coalesce(a.usename, '?') AS role,
       coalesce(host(a.client_addr), 'local') AS address,
       coalesce(a.state, a.backend_type, '?') AS state,
       a.query_start
  FROM unnest(pg_blocking_pids(%(pid)s)) AS blocking (pid)
  JOIN pg_stat_activity a USING (pid)
 ORDER BY a.query_start NULLS LAST, a.pid;
