-- Which keys does the pool hold, what of their limits is used in this day and month (UTC), and can they serve now?
-- The counters stand for the window in which they were last reset: in a later one nothing is used yet.
WITH used AS (
    SELECT *,
        CASE WHEN last_reset_daily >= date_trunc('day', now()) THEN current_daily_usage ELSE 0 END AS daily_usage,
        CASE WHEN last_reset_monthly >= date_trunc('month', now()) THEN current_monthly_usage ELSE 0 END AS monthly_usage
    FROM ai_token_pool
    WHERE %(id)s IS NULL OR id = %(id)s
),
judged AS (
    SELECT *,
        CASE
            WHEN NOT is_active THEN 'disabled'
            WHEN quarantined_at IS NOT NULL THEN 'quarantined'
            WHEN daily_usage >= nullif(daily_limit, 0) OR monthly_usage >= nullif(monthly_limit, 0) THEN 'exhausted'
            WHEN cooling_until > now() THEN 'cooling'
            ELSE 'ready'
        END AS state,
        greatest(
            CASE WHEN cooling_until > now() THEN cooling_until END,
            CASE WHEN daily_usage >= nullif(daily_limit, 0) THEN date_trunc('day', now()) + interval '1 day' END,
            CASE WHEN monthly_usage >= nullif(monthly_limit, 0) THEN date_trunc('month', now()) + interval '1 month' END
        ) AS free_at
    FROM used
)
SELECT id, name, token_hint AS token, regexp_split_to_array(trim(BOTH ', ' FROM model_access), '\s*,\s*') AS models,
    priority, daily_usage, daily_limit, monthly_usage, monthly_limit, is_active, state, error_count, last_used, last_error,
    CASE WHEN state IN ('cooling', 'exhausted') THEN free_at END AS ready_at,
    CASE WHEN state = 'quarantined' THEN quarantine_reason END AS reason,
    base_url, notes, split_part(token, ':', 2) AS sealed_with
FROM judged
ORDER BY priority, id
