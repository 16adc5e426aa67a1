-- New messages of a dialog, in the order in which they were said; an answer by the assistant is counted, and the
-- first one's delay noted.
WITH said AS (
    INSERT INTO dialog_messages (dialog_id, sender, text, message_kind)
    SELECT dialogs.id, sender, text, kind
    FROM dialogs, unnest(%(senders)s::text[], %(texts)s::text[], %(kinds)s::text[])
        WITH ORDINALITY AS given (sender, text, kind, position)
    WHERE dialogs.id = %(dialog_id)s
    ORDER BY position
    RETURNING id, sender
),
noted AS (
    UPDATE dialogs SET
        auto_response = auto_response + 1,
        first_response_time = coalesce(first_response_time, extract(epoch FROM clock_timestamp() - started_at))
    WHERE id = %(dialog_id)s AND EXISTS (SELECT FROM said WHERE sender = 'assistant')
)
SELECT id FROM said ORDER BY id
