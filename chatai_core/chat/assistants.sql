-- Which assistants are there (of one owner, or one of them), with which model and prompt, for how many bots?
SELECT assistants.id, assistants.name, users.email AS owner, assistants.user_id, ai_model AS model, system_prompt AS prompt,
    assistants.is_active, (SELECT count(*) FROM bot_instances WHERE assistant_id = assistants.id)::int AS bots,
    assistants.created_at, assistants.updated_at
FROM assistants
JOIN users ON users.id = assistants.user_id
WHERE (%(id)s IS NULL OR assistants.id = %(id)s) AND (%(owner)s IS NULL OR assistants.user_id = %(owner)s)
ORDER BY assistants.id
