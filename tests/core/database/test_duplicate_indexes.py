"""Duplicate indexes: only what another index really does as well, and never what something needs."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from chatai_core.adapters.postgres import Database
from chatai_core.database import duplicate_indexes
from chatai_core.database.duplicate_indexes import DuplicateIndex
from chatai_core.findings import Rows
from tests.core.database.builds import leave_invalid
from tests.core.database.vectors import with_vectors

Ask = Callable[..., Rows[DuplicateIndex]]


@pytest.fixture
def ask(any_database: Database, reports: Database) -> Ask:
    """The report on a database with the table t."""
    any_database.execute('CREATE TABLE t (a int, b int, c text, "Г" text, span int4range, tags int[])')

    def found(**given: Any) -> Rows[DuplicateIndex]:
        return duplicate_indexes.found(reports, **given)

    return found


def make(database: Database, *definitions: str) -> None:
    """Indexes of t named i1, i2, …"""
    for number, definition in enumerate(definitions, 1):
        kind, _space, rest = definition.partition(" ") if definition.startswith("UNIQUE") else ("", "", definition)
        database.execute(f"CREATE {kind} INDEX i{number} ON t {rest}")


def pairs(found: Rows[DuplicateIndex]) -> set[tuple[str, str, str]]:
    return {(row.index, row.covered_by, row.kind) for row in found}


def test_the_younger_of_two_that_are_the_same_can_go(any_database: Database, ask: Ask) -> None:
    make(any_database, '("Г", a)', '("Г", a)')
    (row,) = ask()
    assert (row.schema, row.table, row.index, row.covered_by, row.kind) == ("public", "t", "i2", "i1", "identical")
    assert row.reason == "i1 finds the same rows in the same order."
    assert row.drop_sql == "DROP INDEX CONCURRENTLY public.i2;"
    assert row.undo_sql == 'CREATE INDEX CONCURRENTLY i2 ON public.t USING btree ("Г", a);'
    assert row.size_bytes == 8192


def test_one_that_another_begins_with_can_go(any_database: Database, ask: Ask) -> None:
    make(any_database, "(a)", "(a, b)", "(a, b, c)")
    assert pairs(ask()) == {("i1", "i3", "prefix"), ("i2", "i3", "prefix")}
    any_database.execute("INSERT INTO t SELECT g, g, md5(g::text) FROM generate_series(1, 3000) g")
    reasons = {row.index: row.reason for row in ask()}
    assert reasons["i1"] == "i3 begins with its columns. It is 2.5 times as large."


DIFFERENT = {
    "other columns": ("(a, b)", "(b, a)"),
    "not a beginning": ("(b)", "(a, b)"),
    "method": ("(a)", "USING hash (a)"),
    "operator class": ("(c)", "(c text_pattern_ops)"),
    "collation": ('(c COLLATE "C")', '(c COLLATE "POSIX")'),
    "order": ("(a)", "(a DESC)"),
    "nulls": ("(a)", "(a NULLS FIRST)"),
    "predicate": ("(a)", "(a) WHERE b > 0"),
    "predicates": ("(a) WHERE b > 1", "(a) WHERE b > 0"),
    "prefix of a partial one": ("(a)", "(a, b) WHERE b > 0"),
    "expressions": ("((a + 1))", "((a + 2))"),
    "an expression and its column": ("(lower(c))", "(c)"),
    "included": ("(a) INCLUDE (c)", "(a)", "(a) INCLUDE (b)"),
    "unique, begun by another": ("UNIQUE (a)", "(a, b)"),
    "two unique ones": ("UNIQUE (a)", "UNIQUE (a, b)"),
    "gin is no order": ("USING gin (tags)", "USING gin (tags) WITH (fastupdate = off)"),
    "brin": ("USING brin (a)", "USING brin (a) WITH (pages_per_range = 4)"),
}


@pytest.mark.parametrize("definitions", DIFFERENT.values(), ids=DIFFERENT)
def test_what_differs_repeats_nothing(any_database: Database, ask: Ask, definitions: tuple[str, ...]) -> None:
    for number, definition in enumerate(definitions):
        unique = "UNIQUE" if definition.startswith("UNIQUE") else ""
        any_database.execute(f"CREATE {unique} INDEX i{number} ON t {definition.removeprefix('UNIQUE')}")
    expected = {("i1", "i0", "prefix")} if len(definitions) == 3 else set()  # (a) is in both that carry more
    assert pairs(ask()) == expected


SAME = {
    "expressions and predicate": ("(lower(c), a) WHERE b > 0", "(lower(c), a) WHERE b > 0", "identical"),
    "expressions that begin": ("(lower(c)) WHERE b > 0", "(lower(c), a) WHERE b > 0", "prefix"),
    "how it is stored": ("(a)", "(a) WITH (fillfactor = 70)", "identical"),
    "carries less": ("(a)", "(a) INCLUDE (b)", "prefix"),
    "carries what the other has as a key": ("(a) INCLUDE (b)", "(a, b)", "prefix"),
    "gin": ("USING gin (tags)", "USING gin (tags)", "identical"),
    "unique does both": ("(a)", "UNIQUE (a)", "identical"),
}


@pytest.mark.parametrize(("one", "other", "kind"), SAME.values(), ids=SAME)
def test_what_finds_the_same_can_go(any_database: Database, ask: Ask, one: str, other: str, kind: str) -> None:
    for number, definition in enumerate((one, other)):
        unique = "UNIQUE" if definition.startswith("UNIQUE") else ""
        any_database.execute(f"CREATE {unique} INDEX i{number} ON t {definition.removeprefix('UNIQUE')}")
    (row,) = ask()
    assert row.kind == kind
    if kind == "prefix" or other.startswith("UNIQUE"):
        assert (row.index, row.covered_by) == ("i0", "i1")


def test_what_a_constraint_needs_never_goes(any_database: Database, ask: Ask) -> None:
    make(any_database, "(a)", "UNIQUE (a)", "(b)")
    any_database.execute("ALTER TABLE t ADD PRIMARY KEY (a); ALTER TABLE t ADD UNIQUE (b) DEFERRABLE")
    assert pairs(ask()) == {
        ("i1", "t_pkey", "identical"),
        ("i2", "t_pkey", "identical"),
        ("i3", "t_b_key", "identical"),
    }


def test_two_constraints_over_the_same_columns_are_said_and_neither_goes(any_database: Database, ask: Ask) -> None:
    any_database.execute("ALTER TABLE t ADD PRIMARY KEY (a); ALTER TABLE t ADD CONSTRAINT again UNIQUE (a)")
    found = ask()
    assert found == []
    assert found.reading == (
        "public.again and public.t_pkey are the same, and both are needed by a constraint or the like."
    )


def test_a_deferrable_constraint_does_not_enforce_what_an_index_does_at_once(any_database: Database, ask: Ask) -> None:
    make(any_database, "UNIQUE (a)")
    any_database.execute("ALTER TABLE t ADD UNIQUE (a) DEFERRABLE INITIALLY DEFERRED")
    assert ask() == []


def test_nulls_not_distinct_is_another_uniqueness(any_database: Database, ask: Ask) -> None:
    if any_database.value("SELECT current_setting('server_version_num')::int < 150000"):
        pytest.skip("This PostgreSQL takes all nulls for distinct.")
    make(any_database, "UNIQUE (a)", "UNIQUE (a) NULLS NOT DISTINCT")
    assert ask() == []


def test_one_that_replication_or_a_foreign_key_or_cluster_needs_stays(any_database: Database, ask: Ask) -> None:
    any_database.execute("ALTER TABLE t ALTER a SET NOT NULL")
    make(any_database, "UNIQUE (a)", "UNIQUE (a)", "(b)", "(b)", "UNIQUE (c)", "UNIQUE (c)")
    any_database.execute("""
        ALTER TABLE t REPLICA IDENTITY USING INDEX i2; ALTER TABLE t CLUSTER ON i4;
        CREATE TABLE child (c text REFERENCES t (c))
    """)
    needed = any_database.value("SELECT conindid::regclass::text FROM pg_constraint WHERE contype = 'f'")
    other = {"i5": "i6", "i6": "i5"}[needed]
    assert pairs(ask()) == {("i1", "i2", "identical"), ("i3", "i4", "identical"), (other, needed, "identical")}


def test_partitions_are_not_repeated_and_their_own_indexes_are_seen(any_database: Database, ask: Ask) -> None:
    any_database.execute("""
        CREATE TABLE p (x int, y int) PARTITION BY RANGE (x);
        CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
        CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);
        CREATE INDEX short ON p (x); CREATE INDEX long ON p (x, y);
        CREATE INDEX own ON p1 (x)
    """)
    found = {row.index: row for row in ask()}
    assert set(found) == {"short", "own"}
    assert found["short"].covered_by == "long"
    assert found["short"].drop_sql == "DROP INDEX public.short;"
    assert found["own"].covered_by in {"p1_x_idx", "p1_x_y_idx"}
    assert found["short"].size_bytes == 16384


def test_what_a_build_left_repeats_nothing(any_database: Database, any_url: str, ask: Ask) -> None:
    make(any_database, "(a)")
    leave_invalid(any_url, "t", "CREATE INDEX CONCURRENTLY again ON t (a)")
    assert ask() == []


def test_one_that_a_locked_table_hides_is_named(any_database: Database, ask: Ask) -> None:
    make(any_database, "(a) WHERE b > 0", "(a) WHERE b > 0", "(b)", "(b)")
    with any_database.connection() as connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        found = ask()
    assert pairs(found) == {("i4", "i3", "identical")}
    assert found[0].drop_sql is None
    assert "public.i1, public.i2" in (found.reading or "")


def test_vectors_of_one_column_for_two_distances(any_database: Database, ask: Ask) -> None:
    with_vectors(any_database)
    any_database.execute("""
        CREATE INDEX other_distance ON "Chunks" USING hnsw (embedding vector_l2_ops) WITH (m = 8, ef_construction = 32);
        CREATE INDEX other_options ON "Chunks" USING hnsw (embedding vector_cosine_ops) WITH (m = 9);
        CREATE INDEX twice ON "Chunks" USING hnsw (embedding vector_cosine_ops) WITH (m = 8, ef_construction = 32)
    """)
    assert pairs(ask()) == {("twice", "chunks_hnsw", "identical")}


def test_dropping_all_of_them_leaves_every_column_indexed(any_database: Database, ask: Ask) -> None:
    """Whatever the order in which they were made."""
    definitions = ["(a)", "(a, b)", "(a, b)", "(a, b, c)", "UNIQUE (a)", "(b)"]
    for number, order in enumerate(itertools.islice(itertools.permutations(definitions), 0, 720, 60)):
        any_database.execute(f"CREATE SCHEMA s{number}; CREATE TABLE s{number}.t (LIKE t)")
        for place, definition in enumerate(order):
            unique = "UNIQUE" if definition.startswith("UNIQUE") else ""
            columns = definition.removeprefix("UNIQUE")
            any_database.execute(f"CREATE {unique} INDEX i{place} ON s{number}.t {columns}")
        gone = {row.index for row in ask(schema=f"s{number}")}
        left = {definition for place, definition in enumerate(order) if f"i{place}" not in gone}
        assert left == {"(a, b, c)", "UNIQUE (a)", "(b)"}


def test_filters_and_order(any_database: Database, ask: Ask) -> None:
    any_database.execute("INSERT INTO t SELECT g, g, repeat(md5(g::text), 3) FROM generate_series(1, 3000) g")
    make(any_database, "(a)", "(a)", "(c)", "(c)")
    assert [row.index for row in ask()] == ["i4", "i2"]
    assert [row.index for row in ask(limit=1)] == ["i4"]
    assert [row.index for row in ask(least_bytes=200_000)] == ["i4"]
    any_database.execute("CREATE SCHEMA other")
    assert ask(schema="other") == []
    assert [row.index for row in ask(names=["t"])] == ["i4", "i2"]
