"""Bloat: right where it is told, and told only where it can be known; with pgstattuple as the judge."""

import signal

import pytest

from chatai_core.adapters.postgres import READ_ONLY, Database
from chatai_core.database import bloat, bloat_exact
from chatai_core.database.bloat import Bloat
from chatai_core.errors import Misconfigured, NotPermitted
from tests.core.database.builds import typed
from tests.core.database.roles import seen_by_a_role
from tests.core.database.vectors import with_vectors
from tests.servers.clusters import Cluster

ROWS = 4000


def fill(database: Database, name: str, columns: str, values: str, rows: int = ROWS, options: str = "") -> None:
    """A table with these rows, whose changes are counted."""
    database.execute(f'CREATE TABLE "{name}" ({columns}) {options}')
    database.execute(f'INSERT INTO "{name}" SELECT {values} FROM generate_series(1, {rows}) AS g ORDER BY random()')
    flush(database)


def flush(database: Database) -> None:
    """Let the counters know what this session has done, before VACUUM and ANALYZE set them."""
    database.value("SELECT pg_stat_force_next_flush()")
    database.value("SELECT 1")


def only(found: list[Bloat], table: str = "t") -> Bloat:
    return next(row for row in found if row.table == table)


def reason(database: Database, table: str = "t") -> str:
    row = only(bloat.estimated(database), table)
    assert row.bloat_bytes is None
    return row.reason or ""


TEXTS = "(SELECT string_agg(md5((g * 100 + i)::text), '') FROM generate_series(1, {many}) AS i)"
SHAPES = {
    "narrow": ("a int, b int, c bigint, d timestamptz", "g, g, g, now()"),
    "unaligned": ("a bool, b bigint, c smallint, d int, e bool", "true, g, 1, g, false"),
    "texts": ("a int, b text, c text", "g, repeat('x', (random() * 100)::int), md5(g::text)"),
    "long texts": ("a int, b text", f"g, {TEXTS.format(many='5 + (random() * 8)::int')}"),
    "nulls": (
        ", ".join(f"c{i} {'text' if i % 3 else 'bigint'}" for i in range(20)),
        ", ".join(f"CASE WHEN random() < 0.6 THEN {'md5(g::text)' if i % 3 else 'g'} END" for i in range(20)),
    ),
    "names": ("a int, n name", "g, ('n' || g)::name"),
    "others": (
        "a uuid, b numeric, c jsonb",
        "gen_random_uuid(), random() * 1000, jsonb_build_object('k', g, 'v', md5(g::text))",
    ),
    "toasted": ("a int, b text", f"g, {TEXTS.format(many='120')}"),
}


def test_the_estimate_is_what_pgstattuple_measures(any_database: Database) -> None:
    any_database.execute("CREATE EXTENSION pgstattuple")
    for shape, (columns, values) in SHAPES.items():
        for state in ("fresh", "holes", "dead"):
            fill(any_database, f"{shape}, {state}", columns, values, 1500 if shape == "toasted" else ROWS)
    for shape in SHAPES:
        any_database.execute(f'DELETE FROM "{shape}, holes" WHERE random() < 0.5; DELETE FROM "{shape}, dead"')
        any_database.execute(f'INSERT INTO "{shape}, dead" SELECT * FROM "{shape}, fresh"')
    flush(any_database)
    typed(any_database.url, *(f'VACUUM "{shape}, holes"' for shape in (*SHAPES, *SHAPES)), "ANALYZE")
    estimated = {row.table: row.bloat_share for row in bloat.estimated(any_database)}
    exact = {row.table: row.bloat_share for row in bloat_exact.measured(any_database)}
    assert estimated == {table: pytest.approx(share, abs=0.1) for table, share in exact.items()}
    assert all((share or 0) > 0.3 for table, share in exact.items() if "fresh" not in table)


INDEXES = {
    "numbers": ("a int", "g", "(a)"),
    "pairs": ("a bigint, b int", "g, g", "(a, b)"),
    "a hundred": ("a int", "mod(g, 100)", "(a)"),
    "a thousand": ("a int", "mod(g, 1000)", "(a)"),
    "texts": ("a text", "md5(g::text)", "(a)"),
    "half null": ("a int", "CASE WHEN mod(g, 2) = 0 THEN g END", "(a)"),
    "expression": ("a text", "md5(g::text)", "(lower(a))"),
    "carrying": ("a int, b text", "mod(g, 100), md5(g::text)", "(a) INCLUDE (b)"),
}


def test_an_index_rebuilt_is_as_much_smaller_as_was_estimated(any_database: Database) -> None:
    for name, (columns, values, keys) in INDEXES.items():
        fill(any_database, name, columns, values, 10_000)
        any_database.execute(f'CREATE INDEX "{name}, built" ON "{name}" {keys}')
        fill(any_database, f"{name}, halved", columns, values, 10_000)
        any_database.execute(f'CREATE INDEX "{name}, halved, built" ON "{name}, halved" {keys}')
        any_database.execute(f'DELETE FROM "{name}, halved" WHERE random() < 0.5')
    flush(any_database)
    typed(any_database.url, "VACUUM", "VACUUM ANALYZE")  # a session that begins elsewhere may hold the first one up
    size = "SELECT pg_relation_size(indexrelid) FROM pg_index WHERE indrelid = %(table)s::regclass"
    for row in bloat.estimated(any_database):
        before = any_database.value(size, table=f'"{row.table}"')
        any_database.execute(f'REINDEX TABLE "{row.table}"')
        gained = before - any_database.value(size, table=f'"{row.table}"')
        assert row.index_bloat_bytes == pytest.approx(gained, abs=max(0.08 * before, 2 * 8192)), row.table
        assert (gained > 0.2 * before) == row.table.endswith("halved")


def test_an_index_that_cannot_be_estimated_is_counted(any_database: Database) -> None:
    fill(any_database, "t", "a int, b int, c name", "mod(g, 60), mod(g, 70), ('n' || g)::name")
    any_database.execute("CREATE INDEX of_names ON t (c); CREATE INDEX partial ON t (a) WHERE b > 5")
    any_database.execute("CREATE INDEX unsure ON t (a, b); CREATE INDEX hashed ON t USING hash (a)")
    any_database.execute("ANALYZE t")
    row = only(bloat.estimated(any_database))
    assert (row.index_bloat_bytes, row.indexes_unknown) == (None, 3)
    sizes = "SELECT sum(pg_relation_size(i)) FROM unnest('{of_names,partial,unsure}'::regclass[]) AS i"
    assert row.indexes_unknown_bytes == any_database.value(sizes)


def test_the_indexes_of_a_table_that_cannot_be_estimated_are_unknown_too(any_database: Database) -> None:
    """A queue that was emptied: VACUUM gives back the pages of the table, and none of its indexes."""
    fill(any_database, "t", "a int", "g")
    any_database.execute("CREATE INDEX i ON t (a); DELETE FROM t")
    flush(any_database)
    typed(any_database.url, "VACUUM ANALYZE t")
    row = only(bloat.estimated(any_database))
    assert (row.table_bytes, row.index_bloat_bytes, row.indexes_unknown) == (0, None, 1)
    assert row.indexes_unknown_bytes == any_database.value("SELECT pg_relation_size('i')") > 0


def test_a_table_never_analyzed_or_analyzed_long_ago_is_told_to_be_analyzed(any_database: Database) -> None:
    fill(any_database, "t", "a int", "g")
    assert reason(any_database) == 'It was never analyzed: ANALYZE "public"."t";'
    any_database.execute("ANALYZE t")
    assert only(bloat.estimated(any_database)).bloat_bytes == 0
    any_database.execute("UPDATE t SET a = a WHERE a <= 1000")
    flush(any_database)
    assert reason(any_database) == 'It has changed since it was analyzed: ANALYZE "public"."t";'
    any_database.execute("ANALYZE t; ALTER TABLE t ADD b text DEFAULT 'x'")
    assert reason(any_database) == 'Not all of its columns have statistics: ANALYZE "public"."t";'


def test_a_small_or_empty_table_has_no_number(any_database: Database) -> None:
    fill(any_database, "t", "a int", "g", 100)
    any_database.execute("CREATE TABLE empty (a int); ANALYZE")
    assert reason(any_database) == "It has 1 page only."
    row = only(bloat.estimated(any_database), "empty")
    assert (row.live_tuples, row.dead_tuples, row.dead_share, row.table_bytes) == (0, 0, 0.0, 0)


def test_a_table_of_dead_rows_alone_is_all_bloat(any_database: Database) -> None:
    fill(any_database, "t", "a int", "g")
    any_database.execute("DELETE FROM t")
    flush(any_database)
    any_database.execute("ANALYZE t")
    row = only(bloat.estimated(any_database))
    assert row.bloat_share == 1
    assert (row.live_tuples, row.dead_tuples, row.dead_share) == (0, ROWS, 1.0)


def test_what_a_role_may_not_read_is_withheld_with_its_grant(any_database: Database) -> None:
    """The classic estimator says 53 % in place of 13 % then; a role with pg_monitor sees no more of it than another."""
    any_database.execute('CREATE SCHEMA "Склад"; SET search_path = "Склад"; CREATE TABLE "Т" (a int, b text)')
    any_database.execute("""INSERT INTO "Склад"."Т" SELECT g, 'x' FROM generate_series(1, 4000) g""")
    flush(any_database)
    any_database.execute('ANALYZE "Склад"."Т"')
    for memberships in ((), ("pg_monitor",)):
        with seen_by_a_role(any_database, *memberships) as seen:
            found = bloat.estimated(seen)
            (row,) = found
            assert (row.bloat_bytes, row.live_tuples, row.table_bytes) == (None, 4000, 147456)
            assert 'This role does not see its statistics: GRANT SELECT ON "Склад"."Т" TO "Роль ' in (row.reason or "")
            assert "GRANT pg_read_all_data TO" in (found.reading or "")
            _granted(any_database, seen, (row.reason or "").partition(": ")[2])


def _granted(database: Database, seen: Database, statement: str) -> None:
    """What we tell to type helps, with what else belongs to it."""
    database.execute(statement)
    assert only(bloat.estimated(seen), "Т").bloat_bytes == 0


def test_one_hidden_column_or_row_hides_the_width(any_database: Database) -> None:
    fill(any_database, "t", "a int, b text", "g, 'x'")
    any_database.execute("ANALYZE t")
    with seen_by_a_role(any_database) as seen:
        role = seen.value("SELECT current_user")
        any_database.execute(f'GRANT SELECT (a) ON t TO "{role}"')
        assert reason(seen).startswith("Not all of its columns have statistics")
        any_database.execute(f'GRANT SELECT ON t TO "{role}"; ALTER TABLE t ENABLE ROW LEVEL SECURITY')
        assert reason(seen) == "Row security hides its statistics from this role."


def test_a_crash_that_took_the_counters_is_not_taken_for_a_clean_table(cluster: Cluster) -> None:
    cluster.settings["synchronous_commit"] = "on"
    database = Database(cluster.start().url)
    fill(database, "analyzed", "a int", "g")
    fill(database, "never", "a int", "g")
    database.execute("ANALYZE analyzed; DELETE FROM analyzed WHERE a <= 100")
    flush(database)
    assert only(bloat.estimated(database), "analyzed").dead_tuples == 100
    database.execute("CHECKPOINT")
    database.close()
    cluster.stop(signal.SIGQUIT).start()
    found = {row.table: row for row in bloat.estimated(database)}
    assert (found["analyzed"].live_tuples, found["analyzed"].dead_tuples) == (ROWS, None)
    assert (found["never"].live_tuples, found["never"].dead_tuples, found["never"].is_vacuum_due) == (None, None, None)
    told = (
        'A crash or a reset has taken its counters, so that its dead rows are not known: ANALYZE "public"."analyzed";'
    )
    assert found["analyzed"].reason == told
    assert found["analyzed"].dead_share is None
    assert found["analyzed"].bloat_bytes is None, "half of it may be dead, as far as anybody knows"
    database.execute('ANALYZE "analyzed"')
    row = only(bloat.estimated(database), "analyzed")
    assert (row.live_tuples, row.dead_tuples, row.reason) == (ROWS - 100, 100, None)
    assert row.bloat_bytes is not None
    database.close()


def test_a_table_of_dead_rows_alone_is_unknown_too_after_a_reset(any_database: Database) -> None:
    fill(any_database, "t", "a int", "g")
    any_database.execute("DELETE FROM t")
    flush(any_database)
    any_database.execute("ANALYZE t")
    any_database.value("SELECT pg_stat_reset()")
    row = only(bloat.estimated(any_database))
    assert (row.bloat_bytes, row.live_tuples, row.dead_tuples) == (None, 0, None)


def test_a_locked_table_is_shown_without_numbers(any_database: Database, reports: Database) -> None:
    fill(any_database, "t", "a int", "g")
    any_database.execute("CREATE INDEX i ON t (a); ANALYZE t; CREATE EXTENSION pgstattuple")
    with any_database.connection() as connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        assert reason(reports) == "It is locked by another session, or gone."
        (row,) = bloat_exact.measured(reports)
        assert (row.bloat_bytes, row.reason) == (None, "It is locked by another session, or gone.")


def test_a_locked_index_leaves_the_others(any_database: Database, reports: Database) -> None:
    fill(any_database, "t", "a int", "g")
    any_database.execute("CREATE INDEX i ON t (a); CREATE INDEX j ON t (a); ANALYZE t")
    with any_database.connection() as connection, connection.cursor() as cursor:
        cursor.execute("REINDEX INDEX i")
        row = only(bloat.estimated(reports))
    assert (row.bloat_bytes, row.index_bloat_bytes, row.indexes_unknown) == (0, 0, 1)


def test_when_autovacuum_comes(any_database: Database) -> None:
    fill(any_database, "t", "a int", "g")
    own_rules = "autovacuum_enabled = off, autovacuum_vacuum_threshold = 7, autovacuum_vacuum_scale_factor = 0"
    fill(any_database, "own", "a int", "g", options=f"WITH ({own_rules})")
    any_database.execute("ANALYZE")
    any_database.execute("UPDATE t SET a = a WHERE a <= 900; DELETE FROM own WHERE a <= 8")
    flush(any_database)
    found = bloat.estimated(any_database)
    row, own = only(found), only(found, "own")
    assert (row.vacuum_threshold, row.dead_tuples, row.is_vacuum_due, row.is_analyze_due) == (850, 900, True, True)
    assert (own.vacuum_threshold, own.is_vacuum_due, own.is_analyze_due) == (7, True, False)
    assert "Autovacuum is off for it." in (own.reason or "")
    assert "Autovacuum is off on this server." in (found.reading or "")
    assert not row.is_autovacuumed


def test_partitions_are_told_one_by_one(any_database: Database) -> None:
    any_database.execute("CREATE TABLE p (a int) PARTITION BY RANGE (a)")
    any_database.execute("CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (2000)")
    any_database.execute("CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (2000) TO (9000); CREATE TABLE other (a int)")
    any_database.execute("INSERT INTO p SELECT generate_series(1, 8000)")
    assert {row.table for row in bloat.estimated(any_database, names=["p"])} == {"p1", "p2"}


def test_a_materialized_view_bloats_too_and_temporary_tables_are_not_shown(
    any_database: Database, any_url: str
) -> None:
    other = Database(any_url)
    other.execute("CREATE TEMPORARY TABLE passing AS SELECT generate_series(1, 9000)")
    any_database.execute("CREATE MATERIALIZED VIEW v AS SELECT generate_series(1, 9000) AS a")
    assert [row.table for row in bloat.estimated(any_database)] == ["v"]
    other.close()


def test_filters_and_order(any_database: Database) -> None:
    fill(any_database, "clean", "a int", "g", 9000)
    fill(any_database, "t", "a int", "g")
    any_database.execute("UPDATE t SET a = a")
    flush(any_database)
    any_database.execute("ANALYZE")
    assert [row.table for row in bloat.estimated(any_database)] == ["t", "clean"]
    assert [row.table for row in bloat.estimated(any_database, limit=1)] == ["t"]
    assert [row.table for row in bloat.estimated(any_database, names=["clean"])] == ["clean"]
    assert [row.table for row in bloat.estimated(any_database, least_bytes=300_000)] == ["clean"]
    any_database.execute("CREATE SCHEMA other")
    assert bloat.estimated(any_database, schema="other") == []


def test_vectors_have_a_width(any_database: Database) -> None:
    with_vectors(any_database)
    flush(any_database)
    any_database.execute("ANALYZE")
    row = only(bloat.estimated(any_database), "Chunks")
    assert row.bloat_bytes is None or (row.bloat_share or 0) < 0.1


@pytest.fixture
def dirty(any_database: Database) -> Database:
    """A table of which half is dead, and its TOAST too."""
    fill(any_database, "t", "a int PRIMARY KEY, b text", f"g, {TEXTS.format(many='120')}", 1000)
    any_database.execute("DELETE FROM t WHERE mod(a, 2) = 0")
    return any_database


def test_exact_needs_no_statistics(dirty: Database) -> None:
    dirty.execute("CREATE SCHEMA tools; CREATE EXTENSION pgstattuple SCHEMA tools")
    row = only(bloat_exact.measured(dirty))
    assert (row.live_tuples, row.dead_tuples, row.dead_share, row.is_exact) == (500, 500, 0.5, True)
    assert row.bloat_share == pytest.approx(0.5, abs=0.1)
    assert (row.toast_bloat_bytes or 0) > 1_000_000
    assert 0 < (row.index_bloat_bytes or 0) < 8192 * 5, "its rows came in disorder"
    assert row.reason is None


def test_exact_says_what_it_lacks(dirty: Database) -> None:
    with pytest.raises(Misconfigured) as missing:
        bloat_exact.measured(dirty)
    assert missing.value.hint == "CREATE EXTENSION pgstattuple;"
    dirty.execute("CREATE EXTENSION pgstattuple")
    with seen_by_a_role(dirty) as seen:
        with pytest.raises(NotPermitted) as refused:
            bloat_exact.measured(seen)
        assert refused.value.hint.startswith("GRANT pg_stat_scan_tables TO ")
        dirty.execute(refused.value.hint)
        assert only(bloat_exact.measured(seen)).dead_tuples == 500


def test_exact_reads_tables_of_a_read_only_session(dirty: Database) -> None:
    dirty.execute("CREATE EXTENSION pgstattuple; CREATE INDEX i ON t (b text_pattern_ops) WHERE a < 0")
    slow = Database(dirty.url, settings=READ_ONLY | {"statement_timeout": "0"})
    row = only(bloat_exact.measured(slow, names=["t"], schema="public", limit=1))
    assert row.index_bloat_bytes is not None, "an empty index has no leaf whose density could be told"
    slow.close()
