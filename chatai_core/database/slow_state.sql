-- Is pg_stat_statements loaded, created here, readable, up to date, recording?
SELECT to_jsonb(facts)
FROM (
    SELECT
        -- a line in postgresql.conf alone makes a setting of that name too: a text, though
        EXISTS (SELECT FROM pg_settings WHERE name = 'pg_stat_statements.max' AND vartype = 'integer') AS loaded,
        (SELECT setting FROM pg_settings WHERE name = 'shared_preload_libraries') AS preloaded,
        available.default_version,
        e.extversion AS version,
        n.nspname AS schema,
        has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(v.oid, 'SELECT') AS readable,
        pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS sees_texts,
        current_setting('compute_query_id') AS compute_query_id,
        current_setting('pg_stat_statements.track', true) AS track,
        (
            SELECT coalesce(jsonb_agg(a.attname), '[]')
            FROM pg_attribute AS a
            WHERE a.attrelid = v.oid AND a.attnum > 0 AND NOT a.attisdropped
        ) AS columns,
        EXISTS (
            SELECT FROM pg_class AS i WHERE i.relnamespace = n.oid AND i.relname = 'pg_stat_statements_info'
        ) AS has_info,
        current_database() AS database,
        current_user AS role
    FROM (SELECT) AS one
    LEFT JOIN pg_available_extensions AS available ON available.name = 'pg_stat_statements'
    LEFT JOIN pg_extension AS e ON e.extname = 'pg_stat_statements'
    LEFT JOIN pg_namespace AS n ON n.oid = e.extnamespace
    LEFT JOIN pg_class AS v ON v.relnamespace = n.oid AND v.relname = 'pg_stat_statements'
) AS facts;
