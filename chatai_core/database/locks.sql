-- Who waits for which lock, behind whom, and what does everybody in that queue do?
WITH held AS MATERIALIZED (
    SELECT * FROM pg_locks
),
blocked AS MATERIALIZED (
    -- pg_blocking_pids() holds all lock tables still: it is asked for those alone who wait
    SELECT h.*, pg_blocking_pids(h.pid) AS blockers FROM held AS h WHERE NOT h.granted AND h.pid IS NOT NULL
),
involved AS (
    SELECT pid FROM blocked
    UNION
    SELECT unnest(blockers) FROM blocked
)
SELECT
    i.pid,
    coalesce((SELECT array_agg(DISTINCT b ORDER BY b) FROM unnest(w.blockers) AS b), '{}') AS blocking_pids,
    -- waitstart is not there in the first moment of waiting
    extract(epoch FROM clock_timestamp() - coalesce(w.waitstart, a.query_start))::float8
        AS waiting_seconds,
    w.locktype,
    CASE w.locktype
        WHEN 'transactionid' THEN coalesce(on_row.name, 'transaction ' || w.transactionid)
        WHEN 'virtualxid' THEN 'transaction ' || w.virtualxid
        WHEN 'advisory' THEN 'advisory lock ' || CASE w.objsubid
            WHEN 1 THEN ((w.classid::bigint << 32) | w.objid::bigint)::text
            ELSE w.classid::int8 || ', ' || w.objid::int8 END
        WHEN 'object' THEN coalesce((SELECT c.relname FROM pg_class AS c WHERE c.oid = w.classid), 'object')
            || ' ' || w.objid
        ELSE coalesce(n.nspname || '.' || r.relname, 'relation ' || w.relation, w.locktype)
    END AS relation,
    w.mode,
    CASE WHEN 0 = ANY (w.blockers) THEN (
        -- a prepared transaction has no process: it is known by the number of the transaction that it holds
        SELECT array_agg(DISTINCT p.gid)
        FROM held AS h
        JOIN held AS own ON own.pid IS NULL AND own.locktype = 'transactionid'
            AND own.virtualtransaction = h.virtualtransaction
        JOIN pg_prepared_xacts AS p ON p.transaction = own.transactionid
        WHERE h.pid IS NULL
          AND (h.locktype, h.database, h.relation, h.page, h.tuple, h.virtualxid, h.transactionid, h.classid, h.objid)
              IS NOT DISTINCT FROM
              (w.locktype, w.database, w.relation, w.page, w.tuple, w.virtualxid, w.transactionid, w.classid, w.objid)
    ) END AS prepared,
    a.backend_start,
    a.usename::text AS "user",
    a.application_name AS application,
    a.datname::text AS database,
    a.backend_type AS kind,
    a.state,
    extract(epoch FROM clock_timestamp() - CASE
        WHEN a.state LIKE 'idle%%' THEN a.state_change ELSE a.query_start END)::float8 AS state_seconds,
    extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS transaction_seconds,
    CASE WHEN a.backend_type IS NOT NULL THEN a.query END AS query,
    a.leader_pid,
    %(everywhere)s OR a.datname = current_database() AS is_asked_for
FROM involved AS i
LEFT JOIN blocked AS w ON w.pid = i.pid
LEFT JOIN pg_stat_activity AS a ON a.pid = i.pid
LEFT JOIN pg_class AS r ON r.oid = w.relation
    AND w.database IN (0, (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()))
LEFT JOIN pg_namespace AS n ON n.oid = r.relnamespace
LEFT JOIN LATERAL (
    -- who waits for another's change of a row holds the place in front of that row
    SELECT tn.nspname || '.' || tr.relname AS name
    FROM held AS t
    JOIN pg_class AS tr ON tr.oid = t.relation
    JOIN pg_namespace AS tn ON tn.oid = tr.relnamespace
    WHERE t.pid = i.pid AND t.locktype = 'tuple' AND t.granted
      AND t.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
    LIMIT 1
) AS on_row ON true
ORDER BY i.pid;
