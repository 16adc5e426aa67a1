-- How large is a table now, and how many of its rows are dead? Before 15 the counters came too late to tell.
SELECT
    pg_total_relation_size(%(oid)s::oid) AS bytes,
    CASE WHEN current_setting('stats_fetch_consistency', true) IS NOT NULL
         THEN pg_stat_get_dead_tuples(%(oid)s::oid) END AS dead;
