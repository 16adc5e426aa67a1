"""Queries and transactions that last: told apart, marked when protected, never an idle session."""

import dataclasses
import time
from contextlib import closing

import psycopg2
import psycopg2.extras
import pytest

from chatai_core.adapters.postgres import READ_ONLY, Database
from chatai_core.database import long
from chatai_core.migrations.lock import locked
from tests.core.database.busy import connected, dumping, idle_in_transaction, running, tell, until
from tests.core.database.roles import seen_by_a_role
from tests.servers.clusters import Cluster
from tests.servers.databases import PostgreSQL


def protected(database: Database, pid: int, *, everywhere: bool = False) -> str | None:
    """What the list says of a session that must be in it."""
    (row,) = [row for row in long.running(database, over=0, everywhere=everywhere) if row.pid == pid]
    return row.protected


def test_a_query_counts_from_its_start_and_has_its_transactions_age(any_url: str, reports: Database) -> None:
    with running(any_url, "SELECT 1", "SELECT pg_sleep(0.3)", "SELECT pg_sleep(60)") as pid:
        (row,) = long.running(reports, over=0)
    assert (row.pid, row.state, row.user, row.query) == (pid, "active", "postgres", "SELECT pg_sleep(60)")
    assert row.duration_seconds is not None and row.transaction_seconds is not None
    assert row.transaction_seconds >= row.duration_seconds + 0.3
    assert row.protected is None


def test_an_open_idle_transaction_counts_from_when_it_became_idle(any_url: str, reports: Database) -> None:
    with idle_in_transaction(any_url, "SELECT 1", "SELECT pg_sleep(0.5)"):
        (row,) = long.running(reports, over=0.4)
    assert row.state == "idle in transaction"
    assert row.duration_seconds is not None and row.transaction_seconds is not None
    assert row.transaction_seconds >= row.duration_seconds + 0.5


def test_a_long_transaction_of_short_queries_is_long(any_url: str, reports: Database) -> None:
    with connected(any_url) as connection:
        tell(connection, "SELECT 1")
        time.sleep(0.6)
        tell(connection, "SELECT 2")
        (row,) = long.running(reports, over=0.5)
        assert long.running(reports, over=60) == []
    assert row.duration_seconds is not None and row.duration_seconds < 0.5


def test_a_failed_transaction_that_stays_open_is_listed(any_url: str, reports: Database) -> None:
    with connected(any_url) as connection:
        with pytest.raises(psycopg2.Error):
            tell(connection, "SELECT 1/0")
        (row,) = long.running(reports, over=0)
    assert (row.state, row.transaction_seconds) == ("idle in transaction (aborted)", None)


def test_an_idle_session_is_never_listed(any_url: str, reports: Database) -> None:
    with connected(any_url) as connection:
        connection.autocommit = True
        tell(connection, "SELECT pg_sleep(0.2)")
        rows = long.running(reports, over=0)
    assert (rows, rows.reading) == ([], None)


def test_a_minute_is_long_unless_told(any_url: str, reports: Database) -> None:
    with running(any_url, "SELECT pg_sleep(60)"):
        assert long.running(reports) == []


def test_the_longest_comes_first_and_the_protected_last(any_url: str, reports: Database) -> None:
    with (
        running(any_url, "SELECT pg_sleep(60)", application="pg_dump"),
        running(any_url, "SELECT pg_sleep(60)", application="first"),
        running(any_url, "SELECT pg_sleep(60)", application="second"),
    ):
        rows = long.running(reports, over=0)
        assert [row.application for row in rows] == ["first", "second", "pg_dump"]
        assert [row.application for row in long.running(reports, over=0, limit=1)] == ["first"]


def test_other_databases_only_when_asked_for(any_url: str, reports: Database, server: PostgreSQL) -> None:
    with running(server.url("postgres"), "SELECT pg_sleep(60)") as pid:
        assert pid not in {row.pid for row in long.running(reports, over=0)}
        assert pid in {row.pid for row in long.running(reports, over=0, everywhere=True)}


WORDS = {
    "pg_dump": "backup", "pg_dumpall": "backup", "pg_restore": "restore", "chatai migrate": "migration",
    "alembic upgrade head": "migration", "dump_reader": None, "": None,
}  # fmt: skip


def test_protected_by_the_applications_name(any_url: str, reports: Database) -> None:
    for application, word in WORDS.items():
        with idle_in_transaction(any_url, application=application) as pid:
            assert protected(reports, pid) == word, application


def test_a_dump_under_another_name_is_known_by_what_it_does(any_url: str, any_database: Database) -> None:
    any_database.execute('CREATE TABLE "t" (a int)')
    with (
        idle_in_transaction(any_url, "LOCK TABLE t"),
        running(any_url, "LOCK TABLE public.t IN ACCESS SHARE MODE", application="ночь") as pid,
    ):
        assert protected(any_database, pid) == "backup"


def test_a_real_pg_dump_that_waits(any_url: str, any_database: Database) -> None:
    any_database.execute("CREATE TABLE t (a int)")
    with idle_in_transaction(any_url, "LOCK TABLE t"), dumping(any_url, PGAPPNAME="nightly"):
        (row,) = [row for row in long.running(any_database, over=0) if row.application == "nightly"]
    assert (row.protected, row.state, row.wait) == ("backup", "active", "Lock: relation")


def test_who_migrates_is_protected_whatever_its_name(any_url: str, reports: Database) -> None:
    with locked(any_url) as connection:
        pid = connection.connection.dbapi_connection.get_backend_pid()  # type: ignore[union-attr]
        connection.exec_driver_sql("SELECT 1")
        assert protected(reports, pid) == "migration"
        connection.exec_driver_sql("SET application_name = 'psql'")
        assert protected(reports, pid) == "migration"


def test_an_index_built_concurrently_is_protected_and_another_is_not(any_url: str, any_database: Database) -> None:
    any_database.execute("CREATE TABLE t AS SELECT 1 AS a")
    with connected(any_url) as writer:
        tell(writer, "INSERT INTO t VALUES (2)")  # the build waits for it
        with running(any_url, "COMMIT", "CREATE INDEX CONCURRENTLY i ON t (a)") as pid:
            until(lambda: protected(any_database, pid) == "index")
        with running(any_url, "CREATE INDEX i2 ON t (a)") as pid:
            assert protected(any_database, pid) is None


def test_replication_is_protected(any_url: str, reports: Database) -> None:
    factory = psycopg2.extras.PhysicalReplicationConnection
    with connected(any_url, "копия", connection_factory=factory) as replica, replica.cursor() as cursor:
        cursor.start_replication(start_lsn=reports.value("SELECT pg_current_wal_lsn()"))  # type: ignore[attr-defined]
        pid = replica.get_backend_pid()
        (row,) = [row for row in long.running(reports, over=0) if row.pid == pid]
    assert (row.kind, row.protected, row.database, row.transaction_seconds) == ("walsender", "replication", None, None)


def test_what_a_plain_role_cannot_see_is_told(any_url: str, any_database: Database) -> None:
    with running(any_url, "SELECT pg_sleep(60)") as pid:
        with seen_by_a_role(any_database) as seen:
            rows = long.running(seen, over=0)
            assert rows == [] and rows.reading is not None and "GRANT pg_monitor TO" in rows.reading
        with seen_by_a_role(any_database, "pg_monitor") as seen:
            rows = long.running(seen, over=0)
            assert ([row.pid for row in rows], rows.reading) == ([pid], None)


def test_the_beginning_of_a_query_is_one_line(any_url: str, reports: Database) -> None:
    with running(any_url, "SELECT pg_sleep(60),\n\n '\x07'"):
        (row,) = long.running(reports, over=0)
    assert (row.query, row.begins) == ("SELECT pg_sleep(60),\n\n '\x07'", "SELECT pg_sleep(60), '\x07'")


def test_autovacuum_is_protected_when_transaction_numbers_run_out(cluster: Cluster) -> None:
    slow = {"autovacuum": "on", "autovacuum_naptime": "1", "autovacuum_vacuum_cost_delay": "100ms"}
    cluster.settings.update(slow, autovacuum_vacuum_cost_limit="1", autovacuum_vacuum_threshold="10")
    url = cluster.start().url
    with connected(url) as connection:  # whose end tells autovacuum what it has deleted
        connection.autocommit = True
        tell(
            connection,
            "CREATE TABLE old AS SELECT g AS a FROM generate_series(1, 50000) AS g",
            "CREATE TABLE usual AS SELECT g AS a FROM generate_series(1, 50000) AS g",
            "ALTER TABLE old SET (autovacuum_freeze_max_age = 100000)",
            "DELETE FROM usual",
            "DO $$ BEGIN FOR i IN 1..100100 LOOP PERFORM txid_current(); COMMIT; END LOOP; END $$",
        )
    seen: dict[str, str | None] = {}
    with closing(Database(url, settings=READ_ONLY)) as reports:

        def both() -> bool:
            for row in long.running(reports, over=0):
                seen[(row.query or "").removeprefix("autovacuum: ").partition("(")[0].strip()] = row.protected
            return len([name for name in seen if name.endswith((".old", ".usual"))]) == 2

        until(both, seconds=60)
    assert {name.rpartition(".")[2]: word for name, word in seen.items() if "public." in name} == {
        "old": "wraparound",
        "usual": None,
    }


def test_the_promised_fields_come_first() -> None:
    names = [field.name for field in dataclasses.fields(long.LongRunning)]
    assert names[:9] == [
        "pid", "backend_start", "user", "application", "state", "duration_seconds", "transaction_seconds", "query",
        "protected",
    ]  # fmt: skip
