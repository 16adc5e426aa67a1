-- What does a build of an index get in this session unless told otherwise?
SELECT
    pg_size_bytes(current_setting('maintenance_work_mem')) AS memory,
    pg_size_bytes(current_setting('shared_buffers')) AS shared_buffers,
    current_setting('max_parallel_maintenance_workers')::int AS workers,
    current_setting('max_parallel_workers')::int AS workers_of_all;
