-- Is WAL archived, does it work, and since when was nothing archived?
SELECT
    a.last_failed_time > coalesce(a.last_archived_time, '-infinity') AS failing,
    a.archived_count,
    a.failed_count,
    a.last_archived_wal,
    a.last_archived_time AS last_archived_at,
    extract(epoch FROM clock_timestamp() - a.last_archived_time)::float8 AS last_archived_seconds,
    a.last_failed_wal,
    a.last_failed_time AS last_failed_at
FROM pg_stat_archiver AS a
WHERE current_setting('archive_mode') = 'always'
   OR (current_setting('archive_mode') = 'on' AND NOT pg_is_in_recovery());
