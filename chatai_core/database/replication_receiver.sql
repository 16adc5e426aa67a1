-- Does this standby receive, how far behind is what it shows, and is that wanted?
WITH reached AS (
    SELECT pg_last_wal_receive_lsn() AS received, pg_last_wal_replay_lsn() AS replayed
)
SELECT
    r.pid IS NOT NULL AS connected,
    r.status,
    r.sender_host,
    r.sender_port,
    r.slot_name AS slot,
    CASE
        -- an idle primary sends nothing: its last transaction grows older though all is replayed
        WHEN reached.replayed >= reached.received AND r.pid IS NOT NULL THEN 0
        WHEN reached.replayed < reached.received
            THEN extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())
    END::float8 AS replay_lag_seconds,
    pg_wal_lsn_diff(reached.received, least(reached.received, reached.replayed))::bigint AS unreplayed_bytes,
    pg_last_xact_replay_timestamp() AS replayed_until,
    pg_get_wal_replay_pause_state() <> 'not paused' AS paused,
    r.last_msg_receipt_time AS heard_at
FROM reached
LEFT JOIN pg_stat_wal_receiver AS r ON true
WHERE pg_is_in_recovery();
