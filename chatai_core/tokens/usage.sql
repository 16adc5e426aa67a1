-- How was a key (without a number: the whole pool, and OPENAI_API_KEY) used on each of the last 30 days (UTC)?
SELECT created_at::date AS date,
    count(*)::int AS requests,
    coalesce(sum(total_tokens), 0)::bigint AS tokens,
    round(avg(response_time)::numeric, 2)::float AS avg_response_time,
    count(*) FILTER (WHERE success)::int AS successful_requests,
    count(*) FILTER (WHERE NOT success)::int AS failed_requests,
    round(100.0 * count(*) FILTER (WHERE success) / count(*), 1)::float AS success_rate
FROM ai_token_usage
WHERE (%(id)s IS NULL OR token_id = %(id)s) AND created_at >= date_trunc('day', now()) - interval '29 days'
GROUP BY 1
ORDER BY 1
