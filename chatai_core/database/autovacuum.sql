-- When does the server vacuum and analyze tables by itself? What its version does not know is not among these.
SELECT json_object_agg(name, setting)
FROM pg_settings
WHERE name LIKE 'autovacuum%%' OR name IN ('track_counts', 'block_size');
