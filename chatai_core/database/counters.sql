-- Since when have this database's counters counted: their own reset, or the last crash, which loses them all?
SELECT greatest(
    d.stats_reset,
    (
        SELECT min(stats_reset)
        FROM (
            SELECT stats_reset FROM pg_stat_bgwriter
            UNION ALL SELECT stats_reset FROM pg_stat_wal
            UNION ALL SELECT stats_reset FROM pg_stat_archiver
            UNION ALL SELECT stats_reset FROM pg_stat_slru
        ) AS server
    )
) AS since
FROM pg_stat_database AS d
WHERE d.datname = current_database();
