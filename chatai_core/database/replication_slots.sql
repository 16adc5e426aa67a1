-- What do the replication slots keep: WAL on the disk, old rows in the tables? Newer columns are NULL on older servers.
WITH here AS (
    SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END AS lsn
)
SELECT
    s.slot_name AS name,
    s.slot_type AS type,
    s.database,
    s.active,
    pg_wal_lsn_diff(greatest(here.lsn, s.restart_lsn), s.restart_lsn)::bigint AS retained_bytes,
    s.wal_status,
    (j.slot ->> 'inactive_since')::timestamptz AS inactive_since,  -- since 17
    coalesce(
        j.slot ->> 'invalidation_reason',  -- since 17
        CASE
            WHEN (j.slot ->> 'conflicting')::boolean THEN 'conflict'  -- since 16
            WHEN s.wal_status = 'lost' THEN 'wal_removed'
        END
    ) AS invalidation_reason,
    s.plugin,
    s.active_pid AS pid,
    s.temporary,
    age(s.xmin) AS xmin_age,
    age(s.catalog_xmin) AS catalog_xmin_age,
    pg_wal_lsn_diff(greatest(here.lsn, s.confirmed_flush_lsn), s.confirmed_flush_lsn)::bigint AS unconfirmed_bytes,
    s.safe_wal_size AS safe_bytes
FROM pg_replication_slots AS s
CROSS JOIN here
CROSS JOIN LATERAL (SELECT to_jsonb(s) AS slot) AS j
ORDER BY retained_bytes DESC NULLS LAST, s.slot_name;
