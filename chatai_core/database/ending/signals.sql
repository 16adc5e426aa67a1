-- What do these processes do now?
SELECT
    a.pid,
    a.backend_start,
    a.state,
    a.query_start,
    nullif(concat_ws(': ', a.wait_event_type, a.wait_event), '') AS wait
FROM pg_stat_activity AS a
WHERE a.pid = ANY (%(pids)s);
