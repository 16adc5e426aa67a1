-- How many numbers are left in each sequence, and in the narrowest column that they fill?
WITH held AS (
    -- reading a sequence waits for whoever alters it
    SELECT relation
    FROM pg_locks
    WHERE locktype = 'relation'
      AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
      AND pid <> pg_backend_pid()
),
sequences AS (
    SELECT
        c.oid,
        n.nspname,
        c.relname,
        s.*,
        CASE
            WHEN NOT has_sequence_privilege(c.oid, 'SELECT,USAGE') THEN 'hidden'
            WHEN c.oid = ANY (%(locked)s::oid[]) OR c.oid IN (SELECT relation FROM held) THEN 'locked'
            WHEN c.relpersistence = 'u' AND pg_is_in_recovery() THEN 'standby'
        END AS obstacle
    FROM pg_sequence AS s
    JOIN pg_class AS c ON c.oid = s.seqrelid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relpersistence <> 't'
      AND (%(schema)s::text IS NULL OR n.nspname = %(schema)s)
),
last AS (
    SELECT *, CASE WHEN obstacle IS NULL THEN pg_sequence_last_value(oid) END AS last_value FROM sequences
),
owned AS (
    -- serial and identity
    SELECT objid AS sequence, refobjid AS relation, refobjsubid AS number
    FROM pg_depend
    WHERE classid = 'pg_class'::regclass
      AND refclassid = 'pg_class'::regclass
      AND deptype IN ('a', 'i')
      AND refobjsubid > 0
    UNION
    -- DEFAULT nextval('…') of a sequence that nobody owns
    SELECT d.refobjid, a.adrelid, a.adnum
    FROM pg_depend AS d
    JOIN pg_attrdef AS a ON a.oid = d.objid
    WHERE d.classid = 'pg_attrdef'::regclass
      AND d.refclassid = 'pg_class'::regclass
      AND d.deptype = 'n'
),
filled AS (
    SELECT * FROM owned
    UNION
    -- what refers to such a column must hold the same numbers
    SELECT owned.sequence, f.conrelid, f.conkey[array_position(f.confkey, owned.number::smallint)]
    FROM owned
    JOIN pg_constraint AS f ON f.contype = 'f' AND f.confrelid = owned.relation AND owned.number = ANY (f.confkey)
),
columns AS (
    SELECT filled.*, a.attname, t.typname, room.most
    FROM filled
    JOIN pg_attribute AS a ON a.attrelid = filled.relation AND a.attnum = filled.number
    JOIN pg_type AS declared ON declared.oid = a.atttypid
    JOIN pg_type AS t ON t.oid = CASE declared.typtype WHEN 'd' THEN declared.typbasetype ELSE declared.oid END
    CROSS JOIN LATERAL (
        SELECT CASE t.typname
            WHEN 'int2' THEN 32767::numeric
            WHEN 'int4' THEN 2147483647
            WHEN 'int8' THEN 9223372036854775807
        END AS most
    ) AS room
    WHERE t.typnamespace = 'pg_catalog'::regnamespace
),
narrowest AS (
    SELECT DISTINCT ON (sequence) *
    FROM columns
    ORDER BY sequence, most NULLS LAST, (sequence, relation, number) NOT IN (SELECT * FROM owned), relation, number
),
limited AS (
    SELECT
        last.*,
        narrowest.relation,
        narrowest.attname,
        narrowest.typname,
        sign(seqincrement)::int AS ahead,
        -- a sequence that was never used gives its start next
        coalesce(last_value, seqstart::numeric - seqincrement) AS reached,
        CASE WHEN seqincrement > 0 THEN seqmin ELSE seqmax END::numeric AS first,
        CASE WHEN seqincrement > 0 THEN least(seqmax, most) ELSE greatest(seqmin, -most - 1) END::numeric AS "limit"
    FROM last
    LEFT JOIN narrowest ON narrowest.sequence = last.oid
),
bounded AS (
    -- it begins again only if the column is not full before
    SELECT *, seqcycle AND "limit" = CASE WHEN seqincrement > 0 THEN seqmax ELSE seqmin END AS cycles FROM limited
)
SELECT
    b.oid::bigint AS oid,
    b.nspname AS schema,
    b.relname AS sequence,
    tn.nspname AS table_schema,
    t.relname AS "table",
    b.attname AS "column",
    format_type(coalesce(ty.oid, b.seqtypid), NULL) AS type,
    b.last_value,
    b."limit"::bigint AS "limit",
    CASE WHEN b.obstacle IS NULL THEN
        greatest((b.ahead * (b.reached - b.first) + 1) / (b.ahead * (b."limit" - b.first) + 1), 0)::float8
    END AS used_share,
    CASE WHEN b.obstacle IS NULL THEN
        least(greatest(trunc((b."limit" - b.reached) / b.seqincrement), 0), 9223372036854775807)::bigint
    END AS remaining,
    b.seqincrement AS increment,
    b.cycles,
    coalesce(b.obstacle, CASE WHEN b.last_value IS NULL THEN 'unused' ELSE 'used' END) AS state
FROM bounded AS b
LEFT JOIN pg_class AS t ON t.oid = b.relation
LEFT JOIN pg_namespace AS tn ON tn.oid = t.relnamespace
LEFT JOIN pg_type AS ty ON ty.typname = b.typname AND ty.typnamespace = 'pg_catalog'::regnamespace
ORDER BY b.cycles, used_share DESC NULLS LAST, b.nspname, b.relname;
