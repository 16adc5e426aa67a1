-- Which users are there, or the one with this address (in whatever case), the oldest first?
SELECT id, email, role, status, is_email_confirmed, first_name, created_at, last_activity
FROM users
WHERE %(email)s::text IS NULL OR lower(email) = lower(%(email)s::text)
ORDER BY id
