-- Which database is this, of all servers, whatever it is called? A standby counts by itself under its primary's number.
SELECT concat_ws(
    '-',
    %(identifier)s,
    CASE WHEN %(identifier)s IS NULL OR pg_is_in_recovery()
         THEN replace(concat_ws('_', host(inet_server_addr()), current_setting('port')), ':', '.') END,
    oid
)
FROM pg_database
WHERE datname = current_database();
