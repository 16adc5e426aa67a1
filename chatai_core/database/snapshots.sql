-- What do the counters say now?
SELECT
    statement_timestamp() AS taken_at,
    database.stats_reset,
    -- a server that was promoted, or restored to an earlier moment, goes on with other counters
    CASE WHEN pg_is_in_recovery() THEN 'standby' ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END AS timeline,
    pg_database_size(current_database()) AS database_bytes,
    indexes.oids AS index_oids,
    indexes.names AS index_names,
    indexes.scans AS index_scans,
    sequences.oids AS sequence_oids,
    sequences.last_values AS sequence_values
FROM (
    SELECT stats_reset
    FROM pg_stat_database
    WHERE datname = current_database()
) AS database
CROSS JOIN (
    SELECT
        coalesce(array_agg(c.oid::bigint), '{}') AS oids,
        coalesce(array_agg(c.relname::text), '{}') AS names,
        coalesce(array_agg(pg_stat_get_numscans(c.oid)), '{}') AS scans
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind = 'i'
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
      AND n.nspname NOT LIKE 'pg\_temp%%'
) AS indexes
CROSS JOIN (
    SELECT
        coalesce(array_agg(oid::bigint), '{}') AS oids,
        coalesce(array_agg(last_value), '{}') AS last_values
    FROM (
        SELECT
            c.oid,
            CASE
                WHEN c.oid = ANY (%(locked)s::oid[]) OR (c.relpersistence = 'u' AND pg_is_in_recovery()) THEN NULL
                WHEN has_sequence_privilege(c.oid, 'SELECT, USAGE') THEN pg_sequence_last_value(c.oid)
            END AS last_value
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.relkind = 'S'
          AND n.nspname NOT LIKE 'pg\_temp%%'
    ) AS every
    WHERE last_value IS NOT NULL
) AS sequences;
