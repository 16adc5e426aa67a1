-- Which standbys (and other receivers of WAL) are connected, and how far behind is each?
WITH here AS (
    SELECT CASE WHEN pg_is_in_recovery()
        THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) ELSE pg_current_wal_lsn() END AS lsn
)
SELECT
    r.pid,
    r.application_name AS name,
    host(r.client_addr) AS address,
    r.usename AS role,
    r.state,
    r.sync_state,
    -- the times are NULL when nothing was sent for a while: who has replayed all is not behind
    CASE WHEN r.replay_lsn >= here.lsn THEN 0 ELSE extract(epoch FROM r.replay_lag) END::float8 AS replay_lag_seconds,
    pg_wal_lsn_diff(greatest(here.lsn, r.replay_lsn), r.replay_lsn)::bigint AS replay_lag_bytes,
    CASE WHEN r.flush_lsn >= here.lsn THEN 0 ELSE extract(epoch FROM r.flush_lag) END::float8 AS flush_lag_seconds,
    pg_wal_lsn_diff(greatest(here.lsn, r.flush_lsn), r.flush_lsn)::bigint AS flush_lag_bytes,
    CASE WHEN r.write_lsn >= here.lsn THEN 0 ELSE extract(epoch FROM r.write_lag) END::float8 AS write_lag_seconds,
    pg_wal_lsn_diff(greatest(here.lsn, r.write_lsn), r.write_lsn)::bigint AS write_lag_bytes,
    pg_wal_lsn_diff(greatest(here.lsn, r.sent_lsn), r.sent_lsn)::bigint AS unsent_bytes,
    r.backend_start AS connected_at,
    r.reply_time AS replied_at
FROM pg_stat_replication AS r
CROSS JOIN here
ORDER BY replay_lag_bytes DESC NULLS LAST, r.application_name, r.pid;
