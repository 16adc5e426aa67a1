-- Who is this user now, and which password are their tokens bound to?
SELECT id, email, role, status, is_email_confirmed, first_name, created_at, last_activity, hashed_password
FROM users
WHERE id = %(id)s
