-- The open dialog of a chat with a bot; it is made by whoever comes first, and follows the bot and the person:
-- their names change, and the bot may be given another assistant.
INSERT INTO dialogs (bot_id, user_id, assistant_id, telegram_chat_id, telegram_username, first_name, last_name)
SELECT id, user_id, assistant_id, %(chat)s, %(username)s, %(first_name)s, %(last_name)s
FROM bot_instances
WHERE id = %(bot_id)s
ON CONFLICT (bot_id, telegram_chat_id) WHERE ended_at IS NULL DO UPDATE SET
    user_id = excluded.user_id, assistant_id = excluded.assistant_id,
    telegram_username = excluded.telegram_username, first_name = excluded.first_name, last_name = excluded.last_name
RETURNING id, user_id, assistant_id, is_taken_over, handoff_status
