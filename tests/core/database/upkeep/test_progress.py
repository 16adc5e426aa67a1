"""How far a statement is, while it runs."""

from collections.abc import Iterator

import pytest

from chatai_core.adapters.postgres import Database
from chatai_core.database.upkeep import reindex_plans, reindexing, tending
from chatai_core.database.upkeep.progress import Progress
from tests.core.database.busy import idle_in_transaction


@pytest.fixture
def told() -> list[Progress]:
    """What was told."""
    return []


@pytest.fixture
def slow(any_database: Database) -> Database:
    """A table, in a database in which VACUUM reads it in small portions."""
    name = any_database.value("SELECT current_database()")
    any_database.execute("CREATE TABLE t AS SELECT g AS a, 'filler'::char(500) AS b FROM generate_series(1, 700) AS g")
    any_database.execute("CREATE INDEX i ON t (a)")
    any_database.execute("DELETE FROM t WHERE a %% 2 = 0")
    for setting, value in {"vacuum_cost_delay": 20, "vacuum_cost_limit": 4, "vacuum_cost_page_dirty": 1}.items():
        any_database.execute(f'ALTER DATABASE "{name}" SET {setting} = {value}')
    return any_database


def test_of_a_vacuum(slow: Database, told: list[Progress]) -> None:
    tending.carry_out(slow.url, tending.plan_vacuum(slow), tell=told.append)
    heap = [seen for seen in told if seen.command == "VACUUM" and seen.phase in {"scanning heap", "vacuuming heap"}]
    assert heap, told
    assert {(seen.schema, seen.relation) for seen in heap} == {("public", "t")}
    assert all(seen.total and seen.share is not None and 0 <= seen.share <= 1 for seen in heap)


def test_of_an_analyze(any_database: Database, told: list[Progress]) -> None:
    any_database.execute("CREATE TABLE t AS SELECT generate_series(1, 500) AS a")
    think = "'BEGIN PERFORM pg_sleep(.002); RETURN a; END'"
    any_database.execute(f"CREATE FUNCTION thought(a int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS {think}")
    any_database.execute("CREATE STATISTICS s ON (thought(a)) FROM t")
    tending.carry_out(any_database.url, tending.plan_analyze(any_database), tell=told.append)
    assert {(seen.command, seen.relation, seen.share) for seen in told} == {("ANALYZE", "t", 1.0)}
    assert any(seen.phase.startswith("computing") for seen in told)  # it has read its rows, and thinks


def test_of_who_is_in_the_way(slow: Database, told: list[Progress]) -> None:
    with idle_in_transaction(slow.url, "LOCK TABLE t", application="migration by hand") as pid:
        tending.carry_out(slow.url, tending.plan_analyze(slow), tell=told.append, wait=1.2)
    waiting = [seen for seen in told if seen.waits_for == pid]
    assert waiting[0].obstacle == f"Process {pid} (migration by hand, role postgres) is in the way."
    assert (waiting[0].command, waiting[0].phase, waiting[0].share) == ("", "", None)


@pytest.fixture
def vectors(empty_database_url: str) -> Iterator[Database]:
    """Rows with an HNSW index that was never built."""
    database = Database(empty_database_url)
    database.execute("CREATE EXTENSION vector")
    database.execute("CREATE TABLE v (id int, e vector(96))")
    database.execute("CREATE INDEX h ON v USING hnsw (e vector_l2_ops) WITH (m = 8, ef_construction = 32)")
    database.execute("UPDATE pg_index SET indisvalid = false, indisready = false WHERE indexrelid = 'h'::regclass")
    random = "SELECT array_agg(random()) FROM generate_series(1, 96 + 0 * g)"
    database.execute(f"INSERT INTO v SELECT g, ({random}) FROM generate_series(1, 12000) AS g")
    database.execute("ANALYZE v")
    yield database
    database.close()


def test_of_a_vector_index_that_gets_the_memory_it_needs(vectors: Database, told: list[Progress]) -> None:
    plan = reindex_plans.rebuild(vectors, ["h"])
    assert plan.statements[0].startswith("SET maintenance_work_mem = '")
    [row] = reindexing.carry_out(vectors.url, plan, tell=told.append)
    assert (row.outcome, row.reason) == ("done", None)
    building = [seen for seen in told if seen.phase == "building index: loading tuples"]
    assert building and building[-1].done, told
    assert vectors.value("SELECT indisvalid FROM pg_index WHERE indexrelid = 'h'::regclass")


def test_of_a_vector_index_that_does_not(vectors: Database) -> None:
    vectors.execute("DELETE FROM v WHERE id > 3000")
    plan = reindex_plans.rebuild(vectors, ["h"], memory="1MB")
    assert "SET maintenance_work_mem = '1MB'" in plan.statements and "gets 1MB" in plan.steps[1]
    [row] = reindexing.carry_out(vectors.url, plan)
    assert "no longer fits into maintenance_work_mem" in (row.reason or "")


def test_a_build_that_is_refused_its_memory_has_failed(vectors: Database) -> None:
    vectors.execute("DROP INDEX h")
    vectors.execute("CREATE INDEX f ON v USING ivfflat (e vector_l2_ops) WITH (lists = 10)")
    [row] = reindexing.carry_out(vectors.url, reindex_plans.rebuild(vectors, ["f"], memory="1MB"))
    assert row.outcome == "failed" and "memory required is" in (row.reason or "")
    assert [row.outcome for row in reindexing.carry_out(vectors.url, reindex_plans.rebuild(vectors, ["f"]))] == ["done"]
