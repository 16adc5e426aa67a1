-- Who keeps old transaction numbers in use, so that no vacuum can free them: sessions, prepared ones, slots, standbys?
WITH holders AS (
    SELECT
        CASE WHEN r.pid IS NULL THEN 'session' ELSE 'standby' END AS kind,
        a.pid,
        coalesce(nullif(a.application_name, ''), a.usename) AS name,
        a.usename AS role,
        greatest(age(a.backend_xmin), age(a.backend_xid)) AS txid_age,
        coalesce(a.xact_start, a.backend_start) AS began_at,
        a.state
    FROM pg_stat_activity AS a
    LEFT JOIN pg_stat_replication AS r ON r.pid = a.pid
    WHERE (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL)
      AND a.pid <> pg_backend_pid()
      -- a session keeps rows of its own database alive, a standby those of all
      AND (a.datname = current_database() OR r.pid IS NOT NULL)
      -- a vacuum does not stand in the way of others
      AND a.pid NOT IN (SELECT pid FROM pg_stat_progress_vacuum)
    UNION ALL
    SELECT 'prepared', NULL, gid, owner, age(transaction), prepared, NULL
    FROM pg_prepared_xacts
    WHERE database = current_database()
    UNION ALL
    SELECT
        'slot',
        active_pid,
        slot_name,
        NULL,
        greatest(age(xmin), age(catalog_xmin)),
        NULL,
        CASE WHEN active THEN 'active' ELSE 'inactive' END
    FROM pg_replication_slots
    WHERE xmin IS NOT NULL OR catalog_xmin IS NOT NULL
)
SELECT
    kind,
    pid,
    name,
    role,
    txid_age,
    extract(epoch FROM clock_timestamp() - began_at)::float8 AS seconds,
    state,
    CASE
        WHEN kind = 'prepared' THEN format('ROLLBACK PREPARED %%L', name)
        WHEN kind = 'slot' AND state = 'inactive' THEN format('SELECT pg_drop_replication_slot(%%L)', name)
        WHEN kind = 'session' AND state = 'active' THEN format('chatai db cancel %%s', pid)
        WHEN kind = 'session' THEN format('chatai db terminate %%s', pid)
    END AS remedy
FROM holders
ORDER BY txid_age DESC, kind, pid
LIMIT %(limit)s;
