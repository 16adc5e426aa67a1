-- Which statements of this database take the time? The view and its columns were found in the catalogue.
WITH counted AS MATERIALIZED (
    SELECT
        s.userid,
        s.queryid,
        nullif(s.query, '<insufficient privilege>') AS query,
        s.calls,
        s.{total_time} AS total_ms,
        s.{total_time} / nullif(s.calls, 0) AS mean_ms,
        s.{max_time} AS max_ms,
        s.rows,
        s.shared_blks_hit AS hit,
        s.shared_blks_hit + s.shared_blks_read AS blocks,
        {toplevel} AS top_level,
        -- by the first word, behind comments: what reads, writes or runs, not COMMIT, SET, CREATE and their kin
        s.query ~* ('^\s*(?:(?:--[^\n]*\n|/\*.*?\*/)\s*)*(?:\('
            || '|(?:select|insert|update|delete|merge|with|values|table|call|do|copy|fetch|refresh)\M)') AS is_work
    FROM {view} AS s
    WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
),
whole AS (
    -- what runs inside a function is counted there a second time
    SELECT sum(total_ms) AS total_ms FROM counted WHERE top_level
)
SELECT
    c.query,
    c.calls,
    c.mean_ms,
    c.total_ms,
    coalesce(c.total_ms / nullif(whole.total_ms, 0), 0) AS share,
    c.max_ms,
    c.rows,
    c.hit::float8 / nullif(c.blocks, 0) AS hit_share,
    pg_get_userbyid(c.userid)::text AS role,
    c.queryid::text AS queryid,
    c.top_level
FROM counted AS c
CROSS JOIN whole
WHERE c.calls >= %(min_calls)s
  AND (%(over)s::float8 IS NULL OR c.mean_ms >= %(over)s)
  AND (c.query IS NULL OR %(utility)s OR c.is_work)
  AND coalesce(position('/* chatai report */' IN c.query), 0) = 0
ORDER BY
    CASE %(sort)s WHEN 'mean' THEN c.mean_ms WHEN 'calls' THEN c.calls ELSE c.total_ms END DESC, c.queryid
LIMIT %(limit)s;
