-- Which dialogs are there, the newest first, each with its last message? ``total`` counts all that fit.
WITH fitting AS (
    SELECT id, count(*) OVER () AS total
    FROM dialogs
    WHERE (%(owner)s IS NULL OR user_id = %(owner)s)
        AND (%(id)s IS NULL OR id = %(id)s)
        AND (%(assistant_id)s IS NULL OR assistant_id = %(assistant_id)s)
        AND CASE %(status)s
            WHEN 'active' THEN ended_at IS NULL AND is_taken_over = 0 AND handoff_status NOT IN ('requested', 'active')
            WHEN 'taken_over' THEN is_taken_over <> 0
            WHEN 'handoff_requested' THEN handoff_status = 'requested'
            WHEN 'handoff_active' THEN handoff_status = 'active'
            ELSE true
        END
        AND CASE %(channel)s
            WHEN 'telegram' THEN telegram_chat_id IS NOT NULL
            WHEN 'website' THEN telegram_chat_id IS NULL
            ELSE true
        END
        AND CASE %(time_filter)s
            WHEN 'today' THEN started_at >= date_trunc('day', now())
            WHEN 'week' THEN started_at >= now() - interval '7 days'
            WHEN 'month' THEN started_at >= now() - interval '30 days'
            ELSE true
        END
        AND (
            %(search)s IS NULL
            OR strpos(lower(concat_ws(' ', first_name, last_name, telegram_username, telegram_chat_id, guest_id)), lower(%(search)s)) > 0
            OR EXISTS (
                SELECT FROM dialog_messages
                WHERE dialog_id = dialogs.id AND strpos(lower(dialog_messages.text), lower(%(search)s)) > 0
            )
        )
    ORDER BY id DESC
    LIMIT %(limit)s OFFSET %(offset)s
)
SELECT dialogs.id, user_id, assistant_id, bot_id, started_at, ended_at,
    last.timestamp AS last_message_at, last.text AS last_message_text,
    auto_response, first_response_time, fallback, is_taken_over, telegram_chat_id, telegram_username, first_name, last_name,
    guest_id, handoff_status, handoff_requested_at, handoff_started_at, handoff_resolved_at, handoff_reason,
    assigned_manager_id, request_id,
    CASE WHEN telegram_chat_id IS NULL THEN 'web' ELSE 'telegram' END AS channel_type,
    coalesce(
        nullif(concat_ws(' ', nullif(first_name, ''), nullif(last_name, '')), ''), telegram_username, telegram_chat_id, guest_id
    ) AS name,
    fitting.total
FROM fitting
JOIN dialogs USING (id)
LEFT JOIN LATERAL (
    SELECT text, timestamp FROM dialog_messages WHERE dialog_id = dialogs.id ORDER BY timestamp DESC, id DESC LIMIT 1
) AS last ON true
ORDER BY dialogs.id DESC
