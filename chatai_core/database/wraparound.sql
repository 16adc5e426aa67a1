-- How many transaction numbers has each database used up, of the 2^31 there are?
SELECT
    datname AS database,
    age(datfrozenxid) AS txid_age,
    age(datfrozenxid) / 2147483648.0::float8 AS txid_share,
    mxid_age(datminmxid) AS mxid_age,
    mxid_age(datminmxid) / 2147483648.0::float8 AS mxid_share,
    age(datfrozenxid) / current_setting('autovacuum_freeze_max_age')::float8 AS txid_freeze_share,
    mxid_age(datminmxid) / current_setting('autovacuum_multixact_freeze_max_age')::float8 AS mxid_freeze_share
FROM pg_database
ORDER BY datname <> current_database(), greatest(age(datfrozenxid), mxid_age(datminmxid)) DESC, datname;
