-- Who holds the migration lock of this database, and since when that session exists?
SELECT l.pid,
       coalesce(nullif(a.application_name, ''), '?') AS application,
       a.usename AS role,
       coalesce(host(a.client_addr), 'local') AS address,
       a.backend_start AS since
  FROM pg_locks l
  LEFT JOIN pg_stat_activity a USING (pid)
 WHERE l.locktype = 'advisory'
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND (l.classid::bigint << 32) | l.objid::bigint = %(key)s
   AND l.objsubid = 1
   AND l.granted;
