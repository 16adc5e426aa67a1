-- Who has this address, and what is the hash of their password?
SELECT id, email, role, status, is_email_confirmed, first_name, created_at, last_activity, hashed_password
FROM users
WHERE lower(email) = lower(%(email)s)
