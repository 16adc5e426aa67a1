-- One request of this key, counted for its day and its month (UTC) at once, if its limits and its health still allow it.
-- The row itself is the lock: whoever waited for it is judged by what it holds now. Windows never go back.
UPDATE ai_token_pool SET
    current_daily_usage =
        CASE WHEN last_reset_daily >= date_trunc('day', now()) THEN current_daily_usage ELSE 0 END + 1,
    current_monthly_usage =
        CASE WHEN last_reset_monthly >= date_trunc('month', now()) THEN current_monthly_usage ELSE 0 END + 1,
    last_reset_daily = greatest(last_reset_daily, date_trunc('day', now())),
    last_reset_monthly = greatest(last_reset_monthly, date_trunc('month', now())),
    last_used = greatest(last_used, now())
WHERE id = %(id)s
    AND is_active
    AND quarantined_at IS NULL
    AND (cooling_until IS NULL OR cooling_until <= now())
    AND (daily_limit = 0 OR last_reset_daily < date_trunc('day', now()) OR current_daily_usage < daily_limit)
    AND (monthly_limit = 0 OR last_reset_monthly < date_trunc('month', now()) OR current_monthly_usage < monthly_limit)
RETURNING id, name, token, base_url, now() AS reserved_at
