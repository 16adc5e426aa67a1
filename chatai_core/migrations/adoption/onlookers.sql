-- Does anything still see the rows as they were before this transaction's number: a transaction, a snapshot, a slot?
SELECT pg_snapshot_xmin(pg_current_snapshot()) < %(number)s::xid8
       OR EXISTS (SELECT FROM pg_stat_activity a
                   WHERE (a.datname = current_database() OR a.datname IS NULL) AND a.pid <> pg_backend_pid()
                     AND age(a.backend_xmin) > age(%(number)s::xid8::xid))
       OR EXISTS (SELECT FROM pg_replication_slots s
                   WHERE greatest(age(s.xmin), age(s.catalog_xmin)) > age(%(number)s::xid8::xid));
