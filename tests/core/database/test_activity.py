"""Who is connected and what they do, seen on real sessions."""

import dataclasses
from contextlib import ExitStack

import psycopg2.extras
import pytest

from chatai_core.adapters.postgres import Database, libpq
from chatai_core.database import activity
from chatai_core.errors import Misused
from tests.core.database.busy import connected, idle_in_transaction, running, tell, until
from tests.core.database.roles import seen_by_a_role
from tests.servers.databases import PostgreSQL


def test_the_active_come_first_then_open_transactions_then_the_idle(any_url: str, reports: Database) -> None:
    with (
        connected(any_url, "idle one"),
        idle_in_transaction(any_url, application="forgotten"),
        running(any_url, "SELECT pg_sleep(60)", application="at work") as pid,
    ):
        rows = activity.sessions(reports)
    assert [(row.application, row.state) for row in rows] == [
        ("at work", "active"),
        ("forgotten", "idle in transaction"),
        ("idle one", "idle"),
    ]
    assert rows.reading is None
    first = rows[0]
    assert (first.pid, first.user, first.query, first.begins) == (pid, "postgres", *["SELECT pg_sleep(60)"] * 2)
    assert (first.wait, first.client, first.kind, first.workers) == ("Timeout: PgSleep", "local", "client backend", 0)
    assert first.duration_seconds is not None and 0 <= first.duration_seconds < 20
    assert first.backend_start is not None and first.backend_start.utcoffset() is not None


def test_the_duration_is_of_the_query_or_of_the_state(any_url: str, reports: Database) -> None:
    with connected(any_url) as connection:
        connection.autocommit = True
        tell(connection, "SELECT pg_sleep(0.5)")
        (row,) = activity.sessions(reports)
    assert row.state == "idle" and row.duration_seconds is not None and row.duration_seconds < 0.5


def test_our_own_session_is_none_of_them(reports: Database) -> None:
    assert activity.sessions(reports) == []


def test_other_databases_and_the_servers_own_processes_only_when_asked_for(
    server: PostgreSQL, reports: Database
) -> None:
    with connected(server.url("postgres"), "elsewhere"):
        assert activity.sessions(reports) == []
        rows = activity.sessions(reports, everywhere=True)
    assert "elsewhere" in {row.application for row in rows}
    kinds = [row.kind for row in rows]
    assert "checkpointer" in kinds
    assert kinds.index("checkpointer") > kinds.index("client backend")


FILTERS: list[tuple[dict[str, str], set[str]]] = [
    ({"user": "postgres"}, {"один", "two"}),
    ({"user": "nobody"}, set()),
    ({"application": "two"}, {"two"}),
    ({"application": "один"}, {"один"}),
    ({"state": "idle"}, {"two"}),
    ({"state": "idle-in-transaction"}, {"один"}),
    ({"state": "IDLE IN TRANSACTION", "application": "two"}, set()),
]


def test_filters(any_url: str, reports: Database) -> None:
    with idle_in_transaction(any_url, application="один") as first, connected(any_url, "two") as second:
        names = {first: "один", second.get_backend_pid(): "two"}
        for wanted, expected in FILTERS:
            rows = activity.sessions(reports, **wanted)  # type: ignore[arg-type]
            assert {names[row.pid] for row in rows} == expected, wanted


def test_a_failed_transaction_is_an_open_one(any_url: str, reports: Database) -> None:
    with connected(any_url) as connection:
        with pytest.raises(psycopg2.Error):
            tell(connection, "SELECT 1/0")
        (row,) = activity.sessions(reports, state="idle in transaction")
    assert row.state == "idle in transaction (aborted)"


def test_a_state_that_is_none_is_told(reports: Database) -> None:
    with pytest.raises(Misused, match="'sleepy' is not a state"):
        activity.sessions(reports, state="sleepy")


def test_of_many_sessions_the_limit_shows_the_first(any_url: str, reports: Database) -> None:
    with ExitStack() as stack:
        for number in range(12):
            stack.enter_context(connected(any_url, f"idle {number}"))
        stack.enter_context(running(any_url, "SELECT pg_sleep(60)", application="at work"))
        assert [row.application for row in activity.sessions(reports, limit=2)] == ["at work", "idle 0"]
        until(lambda: len(activity.sessions(reports)) == 13)  # one that has just ended is seen a moment longer


def test_the_query_is_whole_and_its_beginning_is_one_line_without_secrets(any_url: str, reports: Database) -> None:
    query = "/* web */ SELECT\n\t'\x1b[31m',\r\n pg_sleep(60) -- " + "x" * 500
    with running(any_url, query):
        (row,) = activity.sessions(reports)
    assert row.query == query
    assert row.begins == "SELECT '\x1b[31m', pg_sleep(60)"
    with running(
        any_url, "SELECT pg_sleep(60), 'ALTER ROLE a PASSWORD ''s3cret'''; -- PASSWORD 's3cret'", application="b"
    ):
        (row,) = activity.sessions(reports, application="b")
    assert "s3cret'" not in (row.query or "").rpartition("--")[2]


def test_hidden_sessions_are_listed_without_what_is_hidden_and_the_grant_is_told(
    any_url: str, any_database: Database
) -> None:
    with idle_in_transaction(any_url) as pid, seen_by_a_role(any_database) as seen:
        rows = activity.sessions(seen, application="shop")
        assert [(r.pid, r.user, r.application, r.state, r.query, r.begins) for r in rows] == [
            (pid, "postgres", "shop", None, None, "(hidden)")
        ]
        assert (rows[0].backend_start, rows[0].duration_seconds, rows[0].kind) == (None, None, None)
        assert rows.reading is not None and 'GRANT pg_monitor TO "Роль' in rows.reading
        nothing = activity.sessions(seen, state="idle in transaction")
        assert (nothing, nothing.reading) == ([], rows.reading)
    with idle_in_transaction(any_url, application="b"), seen_by_a_role(any_database, "pg_monitor") as seen:
        rows = activity.sessions(seen, state="idle in transaction", application="b")
        assert ([row.query for row in rows], rows.reading) == (["SELECT 1"], None)


def test_parallel_workers_are_counted_with_their_leader(any_url: str, any_database: Database) -> None:
    any_database.execute("CREATE TABLE t AS SELECT g AS a FROM generate_series(1, 3000) AS g")
    forced = [
        "SET parallel_setup_cost = 0", "SET parallel_tuple_cost = 0", "SET min_parallel_table_scan_size = 0",
        "SET max_parallel_workers_per_gather = 2", "SET parallel_leader_participation = off",
    ]  # fmt: skip
    any_database.execute("""
        CREATE FUNCTION slow(int) RETURNS bool LANGUAGE plpgsql PARALLEL SAFE
        AS 'BEGIN PERFORM pg_sleep(0.02); RETURN true; END'
    """)
    with running(any_url, *forced, "SELECT count(*) FROM t WHERE slow(a)") as pid:
        until(lambda: activity.sessions(any_database, application="shop")[0].workers)
        (leader,) = activity.sessions(any_database, application="shop")
        everyone = activity.sessions(any_database, application="shop", everywhere=True)
    assert leader.pid == pid and leader.workers == 2
    assert sorted(row.leader_pid or 0 for row in everyone) == [0, pid, pid]


def test_a_walsender_is_a_process_of_the_servers_own(any_url: str, reports: Database) -> None:
    factory = psycopg2.extras.PhysicalReplicationConnection
    replica = psycopg2.connect(libpq(any_url), application_name="копия", connection_factory=factory)
    try:
        assert activity.sessions(reports) == []
        shown = activity.sessions(reports, everywhere=True, application="копия")
        assert [row.kind for row in shown] == ["walsender"]
    finally:
        replica.close()


def test_the_promised_fields_come_first() -> None:
    names = [field.name for field in dataclasses.fields(activity.Activity)]
    assert names[:7] == ["pid", "backend_start", "user", "application", "state", "duration_seconds", "query"]
