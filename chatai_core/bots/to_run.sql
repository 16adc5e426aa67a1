-- What does a worker need to run this bot?
SELECT bot.id, bot.assistant_id, assistant.name AS assistant, bot.user_id, bot.bot_token AS sealed
FROM bot_instances AS bot
JOIN assistants AS assistant ON assistant.id = bot.assistant_id
WHERE bot.id = %(id)s
