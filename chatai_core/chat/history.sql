-- What was said last in a dialog before a message, the newest first? Notices of the system are no conversation.
SELECT sender, text
FROM dialog_messages
WHERE dialog_id = %(dialog_id)s AND (%(before)s IS NULL OR id < %(before)s) AND message_kind <> 'system'
ORDER BY timestamp DESC, id DESC
LIMIT %(limit)s
