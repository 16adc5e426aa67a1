-- Which servers follow this one, and may use its indexes without its knowing?
SELECT
    (
        SELECT count(*)
        FROM pg_stat_replication AS r
        WHERE r.state IS DISTINCT FROM 'backup'
          AND r.application_name IS DISTINCT FROM 'pg_receivewal'
          -- a subscriber has indexes of its own
          AND r.pid NOT IN (SELECT active_pid FROM pg_replication_slots WHERE slot_type = 'logical' AND active)
    ) + (
        -- one that is away at the moment
        SELECT count(*) FROM pg_replication_slots WHERE slot_type = 'physical' AND NOT active AND NOT temporary
    );
