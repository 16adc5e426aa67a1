-- How far is the statement of this process, and for whom does it wait?
WITH shown AS (
    -- columns were renamed in 17 and added since: what a server does not have is NULL
    SELECT 'VACUUM' AS command, relid, to_jsonb(v) AS facts FROM pg_stat_progress_vacuum AS v WHERE pid = %(pid)s
    UNION ALL
    SELECT 'ANALYZE', relid, to_jsonb(a) FROM pg_stat_progress_analyze AS a WHERE pid = %(pid)s
    UNION ALL
    SELECT command, coalesce(nullif(index_relid, 0), relid), to_jsonb(i)
    FROM pg_stat_progress_create_index AS i WHERE pid = %(pid)s
),
counted AS (
    SELECT
        command,
        relid,
        facts ->> 'phase' AS phase,
        CASE
            WHEN command = 'VACUUM' AND facts ->> 'phase' = 'vacuuming heap'
            THEN ARRAY[facts ->> 'heap_blks_vacuumed', facts ->> 'heap_blks_total']
            WHEN command = 'VACUUM' AND facts ->> 'phase' LIKE '%%index%%'
            THEN ARRAY[facts ->> 'indexes_processed', facts ->> 'indexes_total']
            WHEN command = 'VACUUM' THEN ARRAY[facts ->> 'heap_blks_scanned', facts ->> 'heap_blks_total']
            WHEN command = 'ANALYZE' THEN ARRAY[facts ->> 'sample_blks_scanned', facts ->> 'sample_blks_total']
            WHEN facts ->> 'phase' LIKE 'waiting%%' THEN ARRAY[facts ->> 'lockers_done', facts ->> 'lockers_total']
            WHEN facts ->> 'tuples_total' <> '0' THEN ARRAY[facts ->> 'tuples_done', facts ->> 'tuples_total']
            ELSE ARRAY[facts ->> 'blocks_done', facts ->> 'blocks_total']
        END AS numbers
    FROM shown
)
SELECT
    coalesce(counted.command, '') AS command,
    coalesce(n.nspname, '') AS schema,
    coalesce(c.relname, '') AS relation,
    coalesce(counted.phase, '') AS phase,
    numbers[1]::bigint AS done,
    nullif(numbers[2]::bigint, 0) AS total,
    a.pid AS waits_for,
    coalesce(nullif(a.application_name, ''), '?') AS waits_for_application,
    coalesce(a.usename::text, '?') AS waits_for_role
FROM (SELECT (pg_blocking_pids(%(pid)s))[1] AS blocker) AS asked
LEFT JOIN counted ON true
LEFT JOIN pg_class AS c ON c.oid = counted.relid
LEFT JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_stat_activity AS a ON a.pid = asked.blocker
WHERE counted.command IS NOT NULL OR a.pid IS NOT NULL;
