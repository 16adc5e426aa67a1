"""Who waits for whom, on real queues: chains with DDL, rows, advisory locks, prepared transactions, deadlocks."""

import dataclasses
import threading
from contextlib import closing, suppress

import psycopg2
import pytest

from chatai_core.adapters.postgres import READ_ONLY, Database, libpq
from chatai_core.database import locks
from chatai_core.database.locks import Waiting
from tests.core.database.busy import connected, dumping, idle_in_transaction, running, tell, until
from tests.core.database.roles import seen_by_a_role
from tests.servers.clusters import Cluster
from tests.servers.databases import PostgreSQL


@pytest.fixture
def filled(any_database: Database) -> Database:
    """A database with a table of three rows, whose name must be quoted."""
    any_database.execute('CREATE SCHEMA "Магазин"')
    any_database.execute("CREATE TABLE t AS SELECT g AS a FROM generate_series(1, 3) AS g")
    any_database.execute('CREATE TABLE "Магазин"."Заказы" (a int)')
    return any_database


def queue(database: Database, length: int = 1) -> list[Waiting]:
    """Who waits, once so many do."""
    until(lambda: len(locks.waiting(database)) >= length)
    return locks.waiting(database)


def test_nobody_waits(filled: Database, reports: Database) -> None:
    rows = locks.waiting(reports)
    assert (rows, rows.reading) == ([], None)


def test_a_chain_of_three_with_ddl_in_it(any_url: str, filled: Database, reports: Database) -> None:
    with (
        idle_in_transaction(any_url, "SELECT * FROM t", application="forgotten") as root,
        running(any_url, "ALTER TABLE t ADD b int", application="deploy") as ddl,
        running(any_url, "SELECT * FROM t WHERE a = 1", application="web") as reader,
    ):
        first, second = queue(reports, 2)
    assert (first.blocked_pid, first.blocking_pids, first.root_pid) == (ddl, [root], root)
    assert (first.relation, first.mode, first.locktype) == ("public.t", "AccessExclusiveLock", "relation")
    assert (first.blocked_query, first.blocking_query) == ("ALTER TABLE t ADD b int", "SELECT * FROM t")
    assert (second.blocked_pid, second.blocking_pids, second.root_pid) == (reader, [ddl], root)
    assert (second.mode, second.blocking_query) == ("AccessShareLock", "ALTER TABLE t ADD b int")
    assert (second.root_application, second.root_state, second.root_query) == (
        "forgotten",
        "idle in transaction",
        "SELECT * FROM t",
    )
    assert (first.depth, second.depth, second.deadlock, second.prepared) == (1, 2, False, [])
    for seconds in (first.waiting_seconds, second.waiting_seconds, second.root_transaction_seconds):
        assert seconds is not None and 0 < seconds < 20
    lines = f"{first}\n{second}".splitlines()
    assert lines[0].startswith(f"{root} (postgres, forgotten) is idle in transaction for ")
    assert lines[0].endswith(": SELECT * FROM t")
    assert lines[1].startswith(f"   {ddl} (postgres, deploy) waits ")
    assert lines[1].endswith("for AccessExclusiveLock on public.t: ALTER TABLE t ADD b int")
    assert lines[2].startswith(f"      {reader} (postgres, web) waits ")


def test_lock_table_is_a_blocker_like_any_other(any_url: str, filled: Database, reports: Database) -> None:
    with (
        idle_in_transaction(any_url, 'LOCK TABLE "Магазин"."Заказы"') as root,
        running(any_url, 'INSERT INTO "Магазин"."Заказы" VALUES (1)'),
    ):
        (row,) = queue(reports)
    assert (row.root_pid, row.relation, row.mode) == (root, "Магазин.Заказы", "RowExclusiveLock")


def test_who_waits_for_a_row_is_told_its_table(any_url: str, filled: Database, reports: Database) -> None:
    with (
        idle_in_transaction(any_url, "UPDATE t SET a = 9 WHERE a = 1") as root,
        running(any_url, "UPDATE t SET a = 8 WHERE a = 1") as first,
        running(any_url, "DELETE FROM t WHERE a = 1") as second,
    ):
        rows = {row.blocked_pid: row for row in queue(reports, 2)}
    assert (rows[first].locktype, rows[first].relation, rows[first].root_pid) == ("transactionid", "public.t", root)
    assert (rows[second].locktype, rows[second].relation, rows[second].root_pid) == ("tuple", "public.t", root)
    assert rows[second].depth == 2


def test_who_waits_for_anothers_insert_waits_for_its_transaction(
    any_url: str, filled: Database, reports: Database
) -> None:
    filled.execute("CREATE UNIQUE INDEX u ON t (a)")
    with idle_in_transaction(any_url, "INSERT INTO t VALUES (7)"), running(any_url, "INSERT INTO t VALUES (7)"):
        (row,) = queue(reports)
    assert row.relation is not None and row.relation.startswith("transaction ")


def test_advisory_locks_are_told_by_their_key(any_url: str, filled: Database, reports: Database) -> None:
    for key in ("-5", "7, 8"):
        take = f"SELECT pg_advisory_lock({key})"
        with idle_in_transaction(any_url, take) as root, running(any_url, take):
            (row,) = queue(reports)
        assert (row.relation, row.mode, row.root_pid) == (f"advisory lock {key}", "ExclusiveLock", root)


def test_a_concurrent_index_waits_for_a_transaction(any_url: str, filled: Database, reports: Database) -> None:
    with (
        idle_in_transaction(any_url, "INSERT INTO t VALUES (1)") as root,
        running(any_url, "COMMIT", "CREATE INDEX CONCURRENTLY i ON t (a)"),
    ):
        (row,) = queue(reports)
    assert (row.locktype, row.root_pid) == ("virtualxid", root)
    assert row.relation is not None and row.relation.startswith("transaction ")


def test_an_object_that_is_no_table(any_url: str, filled: Database, reports: Database) -> None:
    with (
        idle_in_transaction(any_url, 'CREATE TABLE "Магазин".x (a int)') as root,
        running(any_url, 'DROP SCHEMA "Магазин" CASCADE'),
    ):
        (row,) = queue(reports)
    assert (row.locktype, row.root_pid) == ("object", root)
    assert row.relation is not None and row.relation.startswith("pg_namespace ")


def test_two_blockers_and_the_one_who_waits_for_both(any_url: str, filled: Database, reports: Database) -> None:
    with (
        idle_in_transaction(any_url, "SELECT * FROM t") as one,
        idle_in_transaction(any_url, "SELECT * FROM t") as two,
        running(any_url, "LOCK TABLE t"),
    ):
        (row,) = queue(reports)
    assert row.blocking_pids == sorted([one, two])
    assert row.root_pid in {one, two}


def test_the_longest_queue_comes_first_and_each_root_once(any_url: str, filled: Database, reports: Database) -> None:
    with (
        idle_in_transaction(any_url, "SELECT pg_advisory_lock(1)"),
        running(any_url, "SELECT pg_advisory_lock(1)"),
        idle_in_transaction(any_url, "SELECT pg_advisory_lock(2)") as busiest,
        running(any_url, "SELECT pg_advisory_lock(2)"),
        running(any_url, "SELECT pg_advisory_lock(2)"),
    ):
        rows = queue(reports, 3)
        assert len(locks.waiting(reports, limit=2)) == 2
    assert [row.root_pid == busiest for row in rows] == [True, True, False]
    assert "\n".join(map(str, rows)).count(" is idle in transaction for ") == 2


def test_a_prepared_transaction_is_named(cluster: Cluster) -> None:
    cluster.settings["max_prepared_transactions"] = "5"
    url = cluster.start().url
    with closing(Database(url)) as database, closing(Database(url, settings=READ_ONLY)) as reports:
        database.execute("CREATE TABLE t AS SELECT 1 AS a")
        with connected(url) as connection:
            tell(connection, "UPDATE t SET a = 2", "PREPARE TRANSACTION 'платёж 7'")
            connection.rollback()
            tell(connection, "CREATE TABLE other (a int)", "PREPARE TRANSACTION 'another'")
            connection.rollback()
        with running(url, "LOCK TABLE t"), running(url, "SELECT * FROM t"):
            first, second = queue(reports, 2)
    assert (first.blocking_pids, first.root_pid, first.prepared) == ([0], 0, ["платёж 7"])
    assert (second.root_pid, second.depth, second.blocking_query) == (0, 2, "LOCK TABLE t")
    assert str(first).startswith("The prepared transaction платёж 7 is open")


def test_a_deadlock_in_the_making_has_no_root(any_url: str, filled: Database, reports: Database) -> None:
    late = "SET deadlock_timeout = '60s'"
    with connected(any_url) as one, connected(any_url) as two, connected(any_url) as behind:
        pids = {connection.get_backend_pid() for connection in (one, two)}
        tell(one, late, "SELECT pg_advisory_xact_lock(1)")
        tell(two, late, "SELECT pg_advisory_xact_lock(2)")
        tell(behind, late)
        waits = [(one, 2), (two, 1), (behind, 1)]
        threads = [threading.Thread(target=wait_for, args=each) for each in waits]
        try:
            for number, thread in enumerate(threads, 1):
                thread.start()
                rows = queue(reports, number)
        finally:
            for connection, _key in waits:
                connection.cancel()
            for thread in threads:
                thread.join()
    assert [row.root_pid for row in rows] == [None, None, None]
    assert {row.blocked_pid for row in rows if row.deadlock} == pids
    text = "\n".join(map(str, rows))
    assert text.startswith("A deadlock: these wait for each other") and text.count("A deadlock") == 1


def wait_for(connection: psycopg2.extensions.connection, key: int) -> None:
    """Wait for an advisory lock until that is cancelled."""
    with suppress(psycopg2.Error), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (key,))


def test_behind_a_parallel_query_whose_helpers_wait(any_url: str, filled: Database, reports: Database) -> None:
    filled.execute("CREATE TABLE other (a int)")
    filled.execute("INSERT INTO t SELECT g FROM generate_series(4, 3000) AS g")
    filled.execute("""
        CREATE FUNCTION looks(int) RETURNS bool LANGUAGE plpgsql PARALLEL SAFE
        AS 'BEGIN PERFORM 1 FROM other; RETURN true; END'
    """)
    forced = [
        "SET parallel_setup_cost = 0", "SET parallel_tuple_cost = 0", "SET min_parallel_table_scan_size = 0",
        "SET parallel_leader_participation = off", "SET max_parallel_workers_per_gather = 2",
    ]  # fmt: skip
    with (
        idle_in_transaction(any_url, "LOCK TABLE other") as root,
        running(any_url, *forced, "SELECT pg_advisory_lock(1)", "SELECT count(*) FROM t WHERE looks(a)") as leader,
        running(any_url, "SELECT pg_advisory_lock(1)") as last,
    ):
        rows = queue(reports, 3)
    assert {row.root_pid for row in rows} == {root}
    assert leader not in {row.blocked_pid for row in rows}
    (behind,) = [row for row in rows if row.blocked_pid == last]
    assert behind.blocking_pids == [leader]
    assert (behind.root_pid, behind.depth) == (root, 2)


def test_pg_dump_behind_ddl(any_url: str, filled: Database, reports: Database) -> None:
    with idle_in_transaction(any_url, "ALTER TABLE t ADD b int") as root, dumping(any_url):
        (row,) = queue(reports)
    assert (row.blocked_application, row.mode, row.root_pid) == ("pg_dump", "AccessShareLock", root)


def test_other_databases_only_when_asked_for(
    any_url: str, filled: Database, reports: Database, server: PostgreSQL
) -> None:
    with (
        server.empty() as other,
        closing(Database(libpq(other), settings=READ_ONLY)) as elsewhere,
        idle_in_transaction(any_url, "LOCK TABLE t"),
        running(any_url, "SELECT * FROM t") as pid,
    ):
        queue(reports)
        assert locks.waiting(elsewhere) == []
        (row,) = [row for row in locks.waiting(elsewhere, everywhere=True) if row.blocked_pid == pid]
    assert row.relation is not None and row.relation.startswith("relation ")  # its name is in that database alone


def test_a_plain_role_sees_the_queue_without_the_queries(any_url: str, filled: Database, reports: Database) -> None:
    with idle_in_transaction(any_url, "LOCK TABLE t") as root, running(any_url, "SELECT * FROM t"):
        queue(reports)
        with seen_by_a_role(filled) as seen:
            rows = locks.waiting(seen)
    (row,) = rows
    assert (row.root_pid, row.relation, row.blocked_query, row.root_state) == (root, "public.t", None, None)
    assert row.waiting_seconds is not None
    assert rows.reading is not None and "GRANT pg_monitor TO" in rows.reading
    assert "(hidden)" in str(row)


def test_autovacuum_is_a_blocker_like_any_other(cluster: Cluster) -> None:
    slow = {"autovacuum": "on", "autovacuum_naptime": "1", "autovacuum_vacuum_cost_delay": "100ms"}
    cluster.settings.update(slow, autovacuum_vacuum_cost_limit="1", autovacuum_vacuum_threshold="10")
    cluster.settings["deadlock_timeout"] = "60s"  # after that it gives way
    url = cluster.start().url
    with closing(Database(url)) as database, closing(Database(url, settings=READ_ONLY)) as reports:
        database.execute("CREATE TABLE t AS SELECT g AS a FROM generate_series(1, 50000) AS g")
        database.execute("DELETE FROM t")
        works = "SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass AND mode = 'ShareUpdateExclusiveLock'"
        until(lambda: database.value(works))
        with running(url, "LOCK TABLE t"):
            (row,) = queue(reports)
    assert (row.root_kind, row.root_query) == ("autovacuum worker", "autovacuum: VACUUM ANALYZE public.t")
    assert "autovacuum worker" in str(row)


def test_the_promised_fields_come_first() -> None:
    names = [field.name for field in dataclasses.fields(Waiting)]
    assert names[:8] == [
        "blocked_pid", "blocking_pids", "root_pid", "waiting_seconds", "relation", "mode", "blocked_query",
        "blocking_query",
    ]  # fmt: skip
