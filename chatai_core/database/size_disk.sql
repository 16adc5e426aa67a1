-- Where does the server keep this database, as itself says, and which process of it is asking?
SELECT json_build_object(
    'pid', pg_backend_pid(),
    'started', extract(epoch FROM a.backend_start),
    -- null to who may not see it
    'data_directory', (SELECT setting FROM pg_settings WHERE name = 'data_directory'),
    -- empty when it is in the data directory
    'tablespace', (SELECT pg_tablespace_location(dattablespace) FROM pg_database WHERE datname = current_database())
)
FROM pg_stat_activity AS a
WHERE a.pid = pg_backend_pid();
