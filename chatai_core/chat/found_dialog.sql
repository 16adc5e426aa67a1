-- The open dialog of a chat with a bot, when it is there and nothing about it has changed.
SELECT dialogs.id, dialogs.user_id, dialogs.assistant_id, is_taken_over, handoff_status
FROM dialogs
JOIN bot_instances ON bot_instances.id = bot_id
WHERE bot_id = %(bot_id)s AND telegram_chat_id = %(chat)s AND ended_at IS NULL
    AND (dialogs.user_id, dialogs.assistant_id, dialogs.telegram_username, first_name, last_name)
        IS NOT DISTINCT FROM
        (bot_instances.user_id, bot_instances.assistant_id, %(username)s, %(first_name)s, %(last_name)s)
