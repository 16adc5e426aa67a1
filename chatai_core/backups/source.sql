-- What is about to be backed up: the database, its size, its versions.
SELECT
    current_database() AS database,
    pg_database_size(current_database()) AS database_bytes,
    current_setting('server_version') AS server_version,
    current_setting('server_version_num')::int / 10000 AS major,
    (SELECT json_object_agg(extname, extversion) FROM pg_extension) AS extensions;
