"""ANALYZE and VACUUM: every table is done or named, and whoever is in the way too."""

import threading

import pytest

from chatai_core.adapters.postgres import MIGRATION_LOCK, Database
from chatai_core.database.upkeep import tending
from chatai_core.errors import Busy, Misused, NotFound, NotPermitted, ProgramFailed
from chatai_core.units import show_bytes
from tests.core.database.busy import dumping, idle_in_transaction, until
from tests.core.database.roles import seen_by_a_role
from tests.servers.clusters import Cluster

ODD = '"Схема ""A""". "Таблица.1"'


def statistics(database: Database, table: str) -> bool:
    return bool(database.value("SELECT count(*) FROM pg_statistic WHERE starelid = to_regclass(%(t)s)", t=table))


def vacuumed(database: Database, **options: object) -> list[tending.Tended]:
    return tending.carry_out(database.url, tending.plan_vacuum(database, **options), wait=0.7)  # type: ignore[arg-type]


@pytest.fixture
def odd(any_database: Database) -> Database:
    """A table whose schema and name need quotes, and half of whose rows are dead."""
    any_database.execute('CREATE SCHEMA "Схема ""A"""')
    any_database.execute(f"CREATE TABLE {ODD} AS SELECT generate_series(1, 1000) AS a")
    any_database.execute(f"DELETE FROM {ODD} WHERE a > 500")
    if any_database.value("SELECT to_regproc('pg_stat_force_next_flush')") is not None:
        any_database.execute("SELECT pg_stat_force_next_flush()")
    until(lambda: any_database.value("SELECT sum(pg_stat_get_dead_tuples(oid)) FROM pg_class WHERE relname ~ 'Таб'"))
    return any_database


@pytest.fixture
def partitioned(any_database: Database) -> Database:
    """A partitioned table, one of whose two partitions is partitioned again."""
    any_database.execute("CREATE TABLE p (a int) PARTITION BY RANGE (a)")
    any_database.execute("CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)")
    any_database.execute("CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (a)")
    any_database.execute("CREATE TABLE p21 PARTITION OF p2 FOR VALUES FROM (10) TO (20)")
    any_database.execute("INSERT INTO p SELECT g %% 20 FROM generate_series(1, 100) g")
    return any_database


def test_a_table_is_found_under_every_way_to_write_it(odd: Database) -> None:
    ways = ["Таблица.1", 'Схема "A".Таблица.1', '"Схема ""A"""."Таблица.1"', '"Таблица.1"']
    for name in ways:
        assert [task.table for task in tending.plan_vacuum(odd, [name]).tasks] == ["Таблица.1"]
    assert len(tending.plan_vacuum(odd, ways).tasks) == 1
    [row] = vacuumed(odd, tables=ways)
    assert (row.schema, row.table, row.outcome, row.reason) == ('Схема "A"', "Таблица.1", "done", None)
    assert row.dead_rows_removed in {500, None}  # before 15 the counters come too late
    assert statistics(odd, '"Схема ""A"""."Таблица.1"')


def test_an_unquoted_name_is_folded_as_sql_does(any_database: Database) -> None:
    any_database.execute("CREATE TABLE lower_case (a int)")
    [task] = tending.plan_analyze(any_database, ["PUBLIC.Lower_Case"]).tasks
    assert task.statement == 'ANALYZE "public"."lower_case"'


def test_an_unknown_name_gets_the_nearest_one(odd: Database) -> None:
    with pytest.raises(NotFound) as caught:
        tending.plan_analyze(odd, ["Таблица.2"])
    assert "Did you mean Таблица.1?" in caught.value.why


def test_garbage_is_no_name(any_database: Database) -> None:
    for name in ("", ".", 'a"b', "a.b.c", "'; DROP TABLE x; --", "%s", "\x00"):
        with pytest.raises(NotFound):
            tending.plan_vacuum(any_database, [name])


def test_a_name_of_several_schemas_must_be_told_apart(any_database: Database) -> None:
    for schema in ("one", "two"):
        any_database.execute(f"CREATE SCHEMA {schema}")
        any_database.execute(f"CREATE TABLE {schema}.t (a int)")
    with pytest.raises(Misused) as caught:
        tending.plan_vacuum(any_database, ["t"])
    assert '"one"."t", "two"."t"' in caught.value.why
    assert len(tending.plan_vacuum(any_database, ["two.t"]).tasks) == 1


def test_the_plan_tells_the_lock_the_statements_and_the_sizes(odd: Database) -> None:
    plan = tending.plan_vacuum(odd, freeze=True)
    assert "ShareUpdateExclusiveLock" in plan.summary and "1 table" in plan.summary
    assert plan.statements == ['VACUUM (FREEZE, ANALYZE) "Схема ""A"""."Таблица.1"']
    size = show_bytes(odd.value("SELECT pg_total_relation_size(%(t)s)", t=ODD))
    assert plan.steps == [f'"Схема ""A"""."Таблица.1": {size}, 500 dead rows']


def test_freeze_freezes(odd: Database) -> None:
    vacuumed(odd, freeze=True)
    assert odd.value("SELECT age(relfrozenxid) FROM pg_class WHERE relname = 'Таблица.1'") < 10


def test_the_servers_own_tables_are_left_out_unless_told(any_database: Database) -> None:
    assert tending.plan_analyze(any_database).tasks == []
    assert tending.carry_out(any_database.url, tending.plan_analyze(any_database)) == []
    assert {"pg_class", "pg_authid"} < {task.table for task in tending.plan_analyze(any_database, system=True).tasks}


def test_partitions_are_done_and_then_their_table(partitioned: Database) -> None:
    rows = vacuumed(partitioned, tables=["p"])
    assert [(row.table, row.outcome) for row in rows] == [(t, "done") for t in ("p1", "p21", "p", "p2")]
    assert all(statistics(partitioned, table) for table in ("p", "p1", "p2", "p21"))


def test_a_table_of_another_owner_is_a_failure_and_named(odd: Database) -> None:
    with seen_by_a_role(odd) as role:
        odd.execute("CREATE TABLE mine (a int)")
        name = role.value("SELECT current_user")
        odd.execute(f'ALTER TABLE mine OWNER TO "{name}"')
        plan = tending.plan_vacuum(role)
        rows = tending.carry_out(role.url, plan)
        assert {row.table: row.outcome for row in rows} == {"mine": "done", "Таблица.1": "failed"}
        assert any("not done" in step and "postgres" in step for step in plan.steps)
        assert plan.statements == ['VACUUM (ANALYZE) "public"."mine"']
        assert isinstance(rows.failure, NotPermitted)
        assert '"Таблица.1"' in rows.failure.what


def test_a_plan_of_which_nothing_may_be_done_is_refused(odd: Database) -> None:
    with seen_by_a_role(odd) as role, pytest.raises(NotPermitted) as caught:
        tending.plan_vacuum(role)
    assert "belongs to postgres" in caught.value.why


def test_the_grant_of_17_is_told_and_counts(odd: Database) -> None:
    if odd.value("SELECT to_regrole('pg_maintain')") is None:
        pytest.skip("This server does not know MAINTAIN.")
    with seen_by_a_role(odd) as role:
        with pytest.raises(NotPermitted) as caught:
            tending.plan_vacuum(role)
        odd.execute(caught.value.hint)
        odd.execute('GRANT USAGE ON SCHEMA "Схема ""A""" TO public')
        assert [row.outcome for row in tending.carry_out(role.url, tending.plan_vacuum(role))] == ["done"]


def test_a_member_of_pg_maintain_may(odd: Database) -> None:
    if odd.value("SELECT to_regrole('pg_maintain')") is None:
        pytest.skip("This server does not know pg_maintain.")
    odd.execute('GRANT USAGE ON SCHEMA "Схема ""A""" TO public')
    with seen_by_a_role(odd, "pg_maintain") as role:
        assert [row.outcome for row in tending.carry_out(role.url, tending.plan_vacuum(role))] == ["done"]


def test_the_owner_of_the_database_may(odd: Database) -> None:
    with seen_by_a_role(odd) as role:
        odd.execute('GRANT USAGE ON SCHEMA "Схема ""A""" TO public')
        name, mine = role.value("SELECT current_user"), odd.value("SELECT current_database()")
        odd.execute(f'ALTER DATABASE "{mine}" OWNER TO "{name}"')
        assert [row.outcome for row in tending.carry_out(role.url, tending.plan_vacuum(role))] == ["done"]
        odd.execute(f'ALTER DATABASE "{mine}" OWNER TO postgres')


def test_what_is_taken_away_after_the_plan_is_no_silent_warning(odd: Database) -> None:
    """PostgreSQL says only WARNING: … skipping it."""
    with seen_by_a_role(odd) as role:
        name = role.value("SELECT current_user")
        odd.execute("CREATE TABLE mine (a int)")
        odd.execute(f'ALTER TABLE mine OWNER TO "{name}"')
        plan = tending.plan_analyze(role, ["mine"])
        odd.execute("ALTER TABLE mine OWNER TO postgres")
        rows = tending.carry_out(role.url, plan)
        assert [row.outcome for row in rows] == ["failed"]
        assert "mine" in (rows[0].reason or "") and "WARNING" in (rows[0].reason or "")
        assert isinstance(rows.failure, ProgramFailed)


def test_a_table_dropped_after_the_plan_has_failed(odd: Database) -> None:
    plan = tending.plan_vacuum(odd)
    odd.execute(f"DROP TABLE {ODD}")
    rows = tending.carry_out(odd.url, plan)
    assert isinstance(rows.failure, NotFound)
    assert "does not exist" in (rows[0].reason or "")


def test_a_locked_table_has_failed_with_its_holder_and_the_others_go_on(odd: Database) -> None:
    odd.execute("CREATE TABLE zzz (a int)")
    odd.execute("CREATE TABLE aaa (a int)")
    with idle_in_transaction(odd.url, f"LOCK TABLE {ODD}", application="nightly job") as pid:
        plan = tending.plan_vacuum(odd)
        rows = tending.carry_out(odd.url, plan, wait=1.2)
    assert any("size unknown" in step for step in plan.steps)
    assert [(row.table, row.outcome) for row in rows] == [("aaa", "done"), ("zzz", "done"), ("Таблица.1", "failed")]
    assert rows[2].reason == f"Process {pid} (nightly job, role postgres) is in the way."
    assert isinstance(rows.failure, Busy)


def test_beside_a_dump_nothing_is_begun(odd: Database) -> None:
    with idle_in_transaction(odd.url, f"LOCK TABLE {ODD}"), dumping(odd.url), pytest.raises(Busy) as caught:
        tending.plan_vacuum(odd)
    assert caught.value.what == "A backup of this database is under way."
    assert "(pg_dump, role postgres)" in caught.value.why


def test_beside_a_migration_nothing_is_begun_also_when_it_came_after_the_plan(odd: Database) -> None:
    plan = tending.plan_vacuum(odd)
    with idle_in_transaction(odd.url, f"SELECT pg_advisory_lock({MIGRATION_LOCK})"), pytest.raises(Busy) as caught:
        tending.carry_out(odd.url, plan)
    assert caught.value.what == "A migration of this database is under way."


def test_two_at_once_wait_for_each_other(odd: Database) -> None:
    odd.execute(f"INSERT INTO {ODD} SELECT generate_series(1, 20000)")
    plan = tending.plan_vacuum(odd)
    results: list[list[tending.Tended]] = []
    threads = [threading.Thread(target=lambda: results.append(tending.carry_out(odd.url, plan))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row.outcome for rows in results for row in rows] == ["done"] * 3


def test_when_the_server_ends_the_rest_is_skipped(cluster: Cluster) -> None:
    cluster.start()
    database = Database(cluster.url)
    for name in ("aaa", "bbb", "ccc"):
        database.execute(f"CREATE TABLE {name} (a int)")
    plan = tending.plan_vacuum(database)
    with idle_in_transaction(cluster.url, "LOCK TABLE bbb"):
        ending = threading.Thread(target=_stopped, args=(cluster,))
        ending.start()
        rows = tending.carry_out(cluster.url, plan, wait=30)
        ending.join()
    database.close()
    assert [row.outcome for row in rows] == ["done", "failed", "skipped"]
    assert "not begun" in (rows[2].reason or "")
    assert rows.failure is not None and type(rows.failure).__name__ == "Unavailable"


def _stopped(cluster: Cluster) -> None:
    """Stop the server when somebody waits in it for a lock."""
    until(lambda: Database(cluster.url).value("SELECT count(*) FROM pg_locks WHERE NOT granted"))
    cluster.stop()
