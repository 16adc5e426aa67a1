-- Which tables hold the oldest transaction numbers? A table with its TOAST, whose age may be the greater.
WITH parts AS (
    SELECT
        coalesce(owner.oid, c.oid) AS table_oid,
        owner.oid IS NOT NULL AS is_toast,
        age(c.relfrozenxid) AS txid_age,
        mxid_age(c.relminmxid) AS mxid_age,
        c.reloptions,
        owner.reloptions AS owner_options
    FROM pg_class AS c
    LEFT JOIN pg_class AS owner ON c.relkind = 't' AND owner.reltoastrelid = c.oid
    WHERE c.relkind IN ('r', 'm', 't')
      AND c.relfrozenxid <> '0'
),
bounded AS (
    -- autovacuum takes the less of the server's and the table's own; TOAST without its own follows its table
    SELECT
        parts.*,
        least(
            current_setting('autovacuum_freeze_max_age')::bigint,
            coalesce(own.txid_max, owners.txid_max)
        ) AS txid_max,
        least(
            current_setting('autovacuum_multixact_freeze_max_age')::bigint,
            coalesce(own.mxid_max, owners.mxid_max)
        ) AS mxid_max
    FROM parts
    LEFT JOIN LATERAL (
        SELECT
            max(option_value) FILTER (WHERE option_name = 'autovacuum_freeze_max_age')::bigint AS txid_max,
            max(option_value) FILTER (WHERE option_name = 'autovacuum_multixact_freeze_max_age')::bigint AS mxid_max
        FROM pg_options_to_table(parts.reloptions)
    ) AS own ON parts.reloptions IS NOT NULL
    LEFT JOIN LATERAL (
        SELECT
            max(option_value) FILTER (WHERE option_name = 'autovacuum_freeze_max_age')::bigint AS txid_max,
            max(option_value) FILTER (WHERE option_name = 'autovacuum_multixact_freeze_max_age')::bigint AS mxid_max
        FROM pg_options_to_table(parts.owner_options)
    ) AS owners ON parts.owner_options IS NOT NULL
),
summed AS (
    SELECT
        table_oid,
        max(txid_age) AS txid_age,
        max(mxid_age) AS mxid_age,
        max(txid_age::float8 / txid_max) AS txid_freeze_share,
        max(mxid_age::float8 / mxid_max) AS mxid_freeze_share,
        coalesce(max(txid_age) FILTER (WHERE is_toast) > max(txid_age) FILTER (WHERE NOT is_toast), false) AS by_toast
    FROM bounded
    GROUP BY table_oid
)
SELECT
    n.nspname AS schema,
    c.relname AS "table",
    s.txid_age,
    s.txid_age / 2147483648.0::float8 AS txid_share,
    s.mxid_age,
    s.mxid_age / 2147483648.0::float8 AS mxid_share,
    s.txid_freeze_share,
    s.mxid_freeze_share,
    s.by_toast
FROM summed AS s
JOIN pg_class AS c ON c.oid = s.table_oid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
ORDER BY
    greatest(s.txid_age, s.mxid_age) DESC,
    greatest(s.txid_freeze_share, s.mxid_freeze_share) DESC,
    n.nspname IN ('pg_catalog', 'information_schema'),
    n.nspname,
    c.relname
LIMIT %(limit)s;
