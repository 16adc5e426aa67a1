-- What came of a reserved request: one line in the ledger and the key's health, once for each attempt.
-- The line carries the moment of the reservation, so that a day's lines are a day's count; what was removed
-- meanwhile (key, user, assistant) stays empty. A rest is never made shorter.
WITH entry AS (
    INSERT INTO ai_token_usage (
        request_id, attempt, token_id, user_id, assistant_id, model_used,
        prompt_tokens, completion_tokens, total_tokens, response_time, success, error_message, created_at
    )
    VALUES (
        %(request_id)s, %(attempt)s,
        (SELECT id FROM ai_token_pool WHERE id = %(token_id)s FOR KEY SHARE),
        (SELECT id FROM users WHERE id = %(user_id)s FOR KEY SHARE),
        (SELECT id FROM assistants WHERE id = %(assistant_id)s FOR KEY SHARE),
        %(model)s, %(prompt_tokens)s, %(completion_tokens)s, %(prompt_tokens)s + %(completion_tokens)s,
        %(response_time)s, %(error)s IS NULL, %(error)s, %(reserved_at)s
    )
    ON CONFLICT (request_id, attempt) DO NOTHING
    RETURNING token_id
),
health AS (
    UPDATE ai_token_pool AS key SET
        error_count = CASE WHEN %(error)s IS NULL THEN 0 ELSE key.error_count + 1 END,
        last_error = CASE WHEN %(error)s IS NULL THEN key.last_error ELSE now() END,
        cooling_until = greatest(
            key.cooling_until,
            now() + %(rest)s * interval '1 second',
            CASE WHEN %(counts)s AND key.error_count + 1 >= %(patience)s THEN now() + %(pause)s * interval '1 second' END
        ),
        quarantined_at = CASE WHEN %(quarantine)s THEN coalesce(key.quarantined_at, now()) ELSE key.quarantined_at END,
        quarantine_reason = CASE
            WHEN %(quarantine)s THEN coalesce(key.quarantine_reason, %(error)s)
            ELSE key.quarantine_reason
        END
    FROM entry
    WHERE key.id = entry.token_id AND %(judges)s
)
SELECT EXISTS (SELECT FROM entry)
