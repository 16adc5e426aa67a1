-- This key is not used again before somebody releases it; the first reason stays.
UPDATE ai_token_pool SET quarantined_at = now(), quarantine_reason = %(reason)s
WHERE id = %(id)s AND quarantined_at IS NULL
