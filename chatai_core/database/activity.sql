-- Who is connected, and what does every session do?
WITH session AS (
    SELECT
        a.*,
        -- a running query counts from its start; any other state from its own
        CASE WHEN a.state IN ('active', 'fastpath function call') THEN a.query_start ELSE a.state_change END AS since
    FROM pg_stat_activity AS a
),
helping AS (
    SELECT leader_pid, count(*) AS workers FROM session WHERE backend_type = 'parallel worker' GROUP BY leader_pid
)
SELECT
    a.pid,
    a.backend_start,
    a.usename::text AS "user",
    a.application_name AS application,
    a.state,
    extract(epoch FROM clock_timestamp() - a.since)::float8 AS duration_seconds,
    CASE WHEN a.backend_type IS NOT NULL THEN a.query END AS query,
    CASE
        WHEN a.state LIKE 'idle%%' THEN NULL  -- all of them wait for their client
        ELSE nullif(concat_ws(': ', a.wait_event_type, a.wait_event), '')
    END AS wait,
    CASE WHEN a.client_port = -1 THEN 'local' ELSE host(a.client_addr) END AS client,
    extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS transaction_seconds,
    a.datname::text AS database,
    a.backend_type AS kind,
    a.leader_pid,
    coalesce(h.workers, 0)::int AS workers
FROM session AS a
LEFT JOIN helping AS h ON h.leader_pid = a.pid
WHERE a.pid <> pg_backend_pid()
  -- the kind of a session that is hidden from us is hidden, too
  AND (%(everywhere)s OR a.datname = current_database() AND coalesce(a.backend_type, 'client backend') = 'client backend')
  AND (%(user)s::text IS NULL OR a.usename = %(user)s)
  AND (%(applications)s::text[] IS NULL OR a.application_name = ANY (%(applications)s))
  AND (%(state)s::text IS NULL OR a.state = %(state)s OR a.state = %(state)s || ' (aborted)')
ORDER BY
    CASE WHEN a.state IN ('active', 'fastpath function call') THEN 0
         WHEN a.state LIKE 'idle in transaction%%' THEN 1
         WHEN a.state IS NOT NULL THEN 2
         WHEN a.datname IS NOT NULL THEN 3
         ELSE 4 END,
    a.since,
    a.pid
LIMIT %(limit)s;
