"""REINDEX while others work: what cannot be done is named, what an attempt leaves is taken away."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
import pytest

from chatai_core.adapters.postgres import Database, Session
from chatai_core.database.upkeep import reindex_plans, reindexing
from chatai_core.errors import Busy, Misused, NotFound, NotPermitted, ProgramFailed
from chatai_core.findings import Rows
from tests.core.database.busy import idle_in_transaction, until
from tests.core.database.roles import seen_by_a_role

INDEX = '"Схема"."Индекс ""A"""'
# A transaction whose snapshot is older than the copy: REINDEX CONCURRENTLY waits for it.
OLD_SNAPSHOT = ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SELECT count(*) FROM pg_class")
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'virtualxid' AND pid = %(pid)s"


def indexes(database: Database) -> dict[str, bool]:
    """Every index of the database's own, and whether it is valid."""
    rows = database.rows(
        lambda name, valid: (name, valid),
        "SELECT c.relname AS name, indisvalid AS valid FROM pg_index JOIN pg_class AS c ON c.oid = indexrelid"
        " JOIN pg_namespace AS n ON n.oid = relnamespace WHERE nspname !~ '^pg_'",
    )
    return dict(rows)


def oid(database: Database, index: str) -> int:
    return int(database.value("SELECT %(i)s::regclass::oid", i=index))


def rebuilt(database: Database, *names: str, wait: float = 0.8, **options: Any) -> Rows[reindexing.Rebuilt]:
    return reindexing.carry_out(database.url, reindex_plans.rebuild(database, names, **options), wait=wait)


def cleaned(database: Database, *names: str) -> Rows[reindexing.Rebuilt]:
    return reindexing.carry_out(database.url, reindex_plans.clean(database, names), wait=0.8)


@pytest.fixture
def indexed(any_database: Database) -> Database:
    """A table with an index whose names need quotes."""
    any_database.execute('CREATE SCHEMA "Схема"')
    any_database.execute('CREATE TABLE "Схема"."Таблица" AS SELECT generate_series(1, 1000) AS a')
    any_database.execute('CREATE INDEX "Индекс ""A""" ON "Схема"."Таблица" (a)')
    return any_database


@contextmanager
def under_way(database: Database, statement: str) -> Iterator[psycopg2.extensions.connection]:
    """Somebody else's statement, which waits for an old snapshot until it is cancelled."""
    with idle_in_transaction(database.url, *OLD_SNAPSHOT), Session(database.url, application="psql") as session:
        thread = threading.Thread(target=lambda: _ignoring(session, statement))
        thread.start()
        until(lambda: database.value(WAITING, pid=session.pid))
        yield session
        database.execute("SELECT pg_cancel_backend(%(pid)s)", pid=session.pid)
        thread.join()


def _ignoring(session: Session, statement: str) -> None:
    try:
        session.run(statement)
    except Busy:
        pass


@pytest.fixture
def left_over(indexed: Database) -> Database:
    """The same, after somebody has cancelled REINDEX CONCURRENTLY."""
    with under_way(indexed, f"REINDEX INDEX CONCURRENTLY {INDEX}"):
        pass
    assert indexes(indexed) == {'Индекс "A"': True, 'Индекс "A"_ccnew': False}
    return indexed


@pytest.mark.parametrize("name", ['Индекс "A"', "Схема.Таблица", INDEX])
def test_an_index_is_replaced_while_others_work(name: str, indexed: Database) -> None:
    before = oid(indexed, INDEX)
    plan = reindex_plans.rebuild(indexed, [name])
    assert plan.statements == [f"REINDEX INDEX CONCURRENTLY {INDEX}"]
    assert "ShareUpdateExclusiveLock" in plan.summary
    [row] = reindexing.carry_out(indexed.url, plan)
    assert (row.schema, row.table, row.index, row.action, row.outcome) == (
        "Схема", "Таблица", 'Индекс "A"', "rebuild", "done",
    )  # fmt: skip
    assert row.before_bytes == row.after_bytes == indexed.value("SELECT pg_relation_size(%(i)s)", i=INDEX)
    assert oid(indexed, INDEX) != before
    assert indexes(indexed) == {'Индекс "A"': True}


def test_an_unknown_index_gets_the_nearest_one(indexed: Database) -> None:
    with pytest.raises(NotFound) as caught:
        reindex_plans.rebuild(indexed, ["Индекс"])
    assert 'Did you mean Индекс "A"?' in caught.value.why


def test_the_indexes_of_partitions_are_done(any_database: Database) -> None:
    any_database.execute("CREATE TABLE p (a int PRIMARY KEY) PARTITION BY RANGE (a)")
    any_database.execute("CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)")
    any_database.execute("CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20)")
    for name in ("p", "p_pkey"):
        assert [(row.index, row.outcome) for row in rebuilt(any_database, name)] == [
            ("p1_pkey", "done"),
            ("p2_pkey", "done"),
        ]


@pytest.fixture
def excluding(any_database: Database) -> Database:
    """A table with an exclusion constraint beside its primary key."""
    any_database.execute("CREATE TABLE e (id int PRIMARY KEY, during int4range, EXCLUDE USING gist (during WITH &&))")
    return any_database


def test_what_cannot_be_done_while_others_work_is_refused(excluding: Database) -> None:
    with pytest.raises(Misused) as caught:
        reindex_plans.rebuild(excluding, ["e_during_excl"])
    assert "exclusion constraint" in caught.value.why and caught.value.hint == "--blocking"


def test_the_others_are_done_and_it_is_named(excluding: Database) -> None:
    rows = rebuilt(excluding)
    assert [(row.index, row.outcome) for row in rows] == [("e_during_excl", "failed"), ("e_pkey", "done")]
    assert isinstance(rows.failure, Misused) and "e_during_excl" in rows.failure.what


def test_blocking_is_allowed_and_says_what_it_locks(excluding: Database) -> None:
    plan = reindex_plans.rebuild(excluding, blocking=True)
    assert plan.statements == [
        'REINDEX INDEX "public"."e_during_excl"',
        'REINDEX INDEX CONCURRENTLY "public"."e_pkey"',
    ]
    assert any("AccessExclusiveLock" in step for step in plan.steps)
    assert [row.outcome for row in reindexing.carry_out(excluding.url, plan)] == ["done", "done"]


def test_a_rebuild_that_blocks_does_not_wait_for_long(excluding: Database) -> None:
    with idle_in_transaction(excluding.url, "INSERT INTO e VALUES (1, '[1,2)')") as pid:
        rows = rebuilt(excluding, "e_during_excl", blocking=True, wait=1.2)
    assert f"Process {pid}" in (rows[0].reason or "")
    assert isinstance(rows.failure, Busy)


def test_the_servers_own_catalogue_needs_blocking_too(any_database: Database) -> None:
    with pytest.raises(Misused) as caught:
        reindex_plans.rebuild(any_database, ["pg_class_oid_index"])
    assert "catalogue" in caught.value.why
    assert [row.outcome for row in rebuilt(any_database, "pg_cast_oid_index", blocking=True)] == ["done"]
    assert reindex_plans.rebuild(any_database).tasks == []


def test_an_invalid_index_of_a_cancelled_build_becomes_valid(indexed: Database) -> None:
    with under_way(indexed, 'CREATE INDEX CONCURRENTLY "Новый" ON "Схема"."Таблица" (a DESC)'):
        pass
    assert indexes(indexed)["Новый"] is False
    assert [row.outcome for row in rebuilt(indexed, "Новый")] == ["done"]
    assert indexes(indexed) == {'Индекс "A"': True, "Новый": True}


def test_what_is_left_over_is_named_by_the_plan_and_not_rebuilt(left_over: Database) -> None:
    plan = reindex_plans.rebuild(left_over, ["Таблица"])
    assert [task.index for task in plan.tasks] == ['Индекс "A"']
    assert plan.steps[-1].startswith('"Схема"."Индекс ""A""_ccnew" is left over')
    assert "--clean" in plan.steps[-1]


def test_what_is_left_over_is_dropped_when_told(left_over: Database) -> None:
    plan = reindex_plans.clean(left_over)
    assert plan.statements == ['DROP INDEX CONCURRENTLY IF EXISTS "Схема"."Индекс ""A""_ccnew"']
    rows = reindexing.carry_out(left_over.url, plan)
    assert [(row.index, row.action, row.outcome) for row in rows] == [('Индекс "A"_ccnew', "drop", "done")]
    assert indexes(left_over) == {'Индекс "A"': True}
    assert cleaned(left_over) == []


def test_what_is_left_over_of_a_toast_table_is_found_too(indexed: Database) -> None:
    indexed.execute('ALTER TABLE "Схема"."Таблица" ADD text text')
    with under_way(indexed, 'REINDEX TABLE CONCURRENTLY "Схема"."Таблица"'):
        pass
    plan = reindex_plans.clean(indexed)
    assert [task.schema for task in plan.tasks] == ["pg_toast", "Схема"]
    assert [row.outcome for row in reindexing.carry_out(indexed.url, plan)] == ["done", "done"]
    assert reindex_plans.clean(indexed).tasks == []


def test_a_valid_index_with_such_a_name_is_never_dropped(indexed: Database) -> None:
    indexed.execute('CREATE INDEX a_ccnew ON "Схема"."Таблица" (a)')
    assert reindex_plans.clean(indexed).tasks == []
    assert [row.outcome for row in rebuilt(indexed, "a_ccnew")] == ["done"]


def test_what_somebody_is_building_is_never_dropped(indexed: Database) -> None:
    with (
        under_way(indexed, f"REINDEX INDEX CONCURRENTLY {INDEX}") as session,
        pytest.raises(Busy) as caught,
    ):
        reindex_plans.clean(indexed)
    assert f"Process {session.pid}" in caught.value.why


def test_an_attempt_that_waits_too_long_leaves_nothing(indexed: Database) -> None:
    with idle_in_transaction(indexed.url, *OLD_SNAPSHOT, application="report") as pid:
        rows = rebuilt(indexed, INDEX, wait=1.2)
    assert rows[0].reason == f"Process {pid} (report, role postgres) is in the way."
    assert isinstance(rows.failure, Busy)
    assert indexes(indexed) == {'Индекс "A"': True}


def test_what_cannot_be_taken_away_at_once_is_named(indexed: Database) -> None:
    """A reader of the table: the new index is there already, and the old one cannot be dropped."""
    with idle_in_transaction(indexed.url, 'SELECT * FROM "Схема"."Таблица" LIMIT 1'):
        rows = rebuilt(indexed, INDEX)
        assert indexes(indexed) == {'Индекс "A"': True, 'Индекс "A"_ccold': False}
    assert '"Схема"."Индекс ""A""_ccold" is left over' in (rows[0].reason or "")
    assert [row.index for row in cleaned(indexed)] == ['Индекс "A"_ccold']


def test_duplicates_in_a_unique_index_are_told_and_nothing_is_left(indexed: Database) -> None:
    indexed.execute('CREATE TABLE "Дважды" AS SELECT 1 AS a FROM generate_series(1, 2)')
    with Session(indexed.url, application="psql") as session, pytest.raises(ProgramFailed):
        session.run('CREATE UNIQUE INDEX CONCURRENTLY u ON "Дважды" (a)')
    rows = rebuilt(indexed, "u")
    assert "could not create unique index" in (rows[0].reason or "")
    assert isinstance(rows.failure, ProgramFailed)
    assert indexes(indexed) == {'Индекс "A"': True, "u": False}


def test_the_index_of_another_owner_is_a_failure_and_named(indexed: Database) -> None:
    with seen_by_a_role(indexed) as role:
        name = role.value("SELECT current_user")
        indexed.execute("CREATE TABLE mine (a int PRIMARY KEY)")
        indexed.execute(f'ALTER TABLE mine OWNER TO "{name}"')
        rows = rebuilt(role)
        assert {row.index: row.outcome for row in rows} == {"mine_pkey": "done", 'Индекс "A"': "failed"}
        assert isinstance(rows.failure, NotPermitted)
        with pytest.raises(NotPermitted) as caught:
            reindex_plans.rebuild(role, ["Таблица"])
        assert "belongs to postgres" in caught.value.why


def test_who_may_only_maintain_rebuilds_and_names_what_it_may_not_drop(indexed: Database) -> None:
    if indexed.value("SELECT to_regrole('pg_maintain')") is None:
        pytest.skip("This server does not know MAINTAIN.")
    with seen_by_a_role(indexed) as role:
        with pytest.raises(NotPermitted) as caught:
            reindex_plans.rebuild(role)
        indexed.execute(caught.value.hint)
        indexed.execute('GRANT USAGE ON SCHEMA "Схема" TO public')
        assert [row.outcome for row in rebuilt(role)] == ["done"]
        with idle_in_transaction(indexed.url, *OLD_SNAPSHOT):
            rows = rebuilt(role)
        assert "is left over" in (rows[0].reason or "")
        with pytest.raises(NotPermitted) as caught:
            reindex_plans.clean(role)
        assert "Only postgres may drop it." in caught.value.why


def test_of_two_at_once_one_is_told_that_the_other_is_at_work(indexed: Database) -> None:
    plan = reindex_plans.rebuild(indexed)
    results: list[Rows[reindexing.Rebuilt]] = []
    with idle_in_transaction(indexed.url, *OLD_SNAPSHOT):
        first = threading.Thread(target=lambda: results.append(reindexing.carry_out(indexed.url, plan)))
        first.start()
        until(lambda: 'Индекс "A"_ccnew' in indexes(indexed))
        with pytest.raises(Busy) as caught:
            reindexing.carry_out(indexed.url, plan)
    first.join()
    assert "at work" in caught.value.why
    assert [row.outcome for rows in results for row in rows] == ["done"]
    assert indexes(indexed) == {'Индекс "A"': True}


@pytest.mark.parametrize("memory", ["", "1", "lots", "-1MB", "1MB; DROP TABLE x", "0GB"])
def test_garbage_is_no_memory(memory: str) -> None:
    with pytest.raises(Misused):
        reindex_plans.rebuild(Database("postgresql://postgres@/nobody?host=/nowhere"), memory=memory)


def test_an_index_larger_than_what_is_free_has_no_room() -> None:
    assert reindex_plans.no_room("i", 100, 100) is None
    assert reindex_plans.no_room("i", 100, None) is None
    assert "101 B" in reindex_plans.no_room("i", 101, 100).why  # type: ignore[union-attr]


def test_the_plan_says_what_room_there_is(indexed: Database) -> None:
    assert "has" in reindex_plans.rebuild(indexed).steps[0] and "free" in reindex_plans.rebuild(indexed).steps[0]
    with seen_by_a_role(indexed) as role:
        indexed.execute('GRANT USAGE ON SCHEMA "Схема" TO public')
        indexed.execute(f'ALTER TABLE "Схема"."Таблица" OWNER TO "{role.value("SELECT current_user")}"')
        assert "disk" in reindex_plans.rebuild(role).steps[0]
        indexed.execute('ALTER TABLE "Схема"."Таблица" OWNER TO postgres')
