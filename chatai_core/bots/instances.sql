-- Which bots are there, whose are they, and who speaks there? All, one, or those of one owner; the oldest first.
SELECT
    bot.id,
    bot.name,
    bot.platform,
    bot.assistant_id,
    assistant.name AS assistant,
    bot.user_id,
    owner.email AS owner,
    owner.status AS owner_status,
    bot.bot_token_hint AS token,
    bot.telegram_username,
    bot.is_active,
    bot.created_at,
    bot.updated_at
FROM bot_instances AS bot
JOIN assistants AS assistant ON assistant.id = bot.assistant_id
JOIN users AS owner ON owner.id = bot.user_id
WHERE (%(id)s::integer IS NULL OR bot.id = %(id)s)
    AND (%(owner)s::integer IS NULL OR bot.user_id = %(owner)s)
ORDER BY bot.id
