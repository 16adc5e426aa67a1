-- How much of its limit has each active key used today, and how many requests did it answer in all, how fast?
SELECT key.name,
    CASE WHEN last_reset_daily >= date_trunc('day', now()) THEN current_daily_usage ELSE 0 END AS daily_usage,
    key.daily_limit, key.error_count, key.last_used, coalesce(used.requests, 0)::bigint AS total_requests,
    used.avg_response_time
FROM ai_token_pool AS key
LEFT JOIN (
    SELECT token_id, count(*) AS requests, round(avg(response_time)::numeric, 3)::float AS avg_response_time
    FROM ai_token_usage
    GROUP BY token_id
) AS used ON used.token_id = key.id
WHERE key.is_active
ORDER BY total_requests DESC, key.priority, key.id
