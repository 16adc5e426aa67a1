-- Since when does pg_stat_statements count, and how often did it forget the rarest statements for want of room?
SELECT to_jsonb(i) FROM {view} AS i;
