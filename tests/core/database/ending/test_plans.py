"""Ending sessions, on real ones: only the one that was seen, never what is protected, and seen to be gone."""

import dataclasses
import functools
import os
import signal
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import timedelta
from typing import Any

import psycopg2
import psycopg2.extras
import pytest

from chatai_core.adapters.postgres import Database, libpq
from chatai_core.database import sessions
from chatai_core.database.ending import plans
from chatai_core.database.ending.plans import EndingPlan
from chatai_core.database.ending.signals import Action
from chatai_core.errors import Busy, ChataiError, NotFound, NotPermitted
from chatai_core.migrations.lock import locked
from tests.core.database.busy import connected, dumping, idle_in_transaction, running, tell, until
from tests.core.database.roles import seen_by_a_role
from tests.servers.clusters import Cluster
from tests.servers.databases import PostgreSQL

SLEEP = "SELECT pg_sleep(60)"
DEAF = """DO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$"""


def is_there(database: Database, pid: int) -> bool:
    return bool(database.value("SELECT count(*) FROM pg_stat_activity WHERE pid = %(pid)s", pid=pid))


def state_of(database: Database, pid: int) -> Any:
    return database.value("SELECT state FROM pg_stat_activity WHERE pid = %(pid)s", pid=pid)


def is_active(database: Database, pid: int) -> bool:
    return bool(state_of(database, pid) == "active")


def refused(database: Database, pid: int, action: Action = "terminate", **options: Any) -> ChataiError:
    """The error that refuses to plan it."""
    with pytest.raises(ChataiError) as caught:
        plans.plan(database, pid, action, **options)
    return caught.value


def altered(plan: EndingPlan, **target: Any) -> EndingPlan:
    """The same plan as if another session had been seen."""
    return dataclasses.replace(plan, sessions=[dataclasses.replace(plan.sessions[0], **target)])


def test_a_cancelled_query_ends_and_its_session_stays(any_url: str, any_database: Database) -> None:
    with running(any_url, SLEEP, application="касса") as pid:
        plan = plans.plan(any_database, pid, "cancel")
        done = plans.carry_out_one(any_database, plan)
        assert (done.pid, done.outcome, done.confirmed, done.query) == (pid, "cancelled", True, SLEEP)
        assert done.seconds is not None and done.seconds < 5
        assert state_of(any_database, pid) == "idle in transaction (aborted)"
    assert plan.summary.startswith(f"Cancel the query of the session {pid} (postgres, ")
    assert SLEEP not in plan.summary  # it goes into audit.log
    assert SLEEP in plan.steps[0]


def test_a_terminated_session_is_seen_to_be_gone(any_url: str, any_database: Database) -> None:
    with running(any_url, SLEEP) as pid:
        plan = plans.plan(any_database, pid, "terminate")
        done = plans.carry_out_one(any_database, plan)
        assert not is_there(any_database, pid)
    assert (done.outcome, done.confirmed, done.user, done.application) == ("terminated", True, "postgres", "shop")
    assert [step.partition(" ")[0] for step in plan.steps] == ["cancel", "terminate", "see"]
    assert ["pg_cancel_backend" in plan.statements[0], "pg_terminate_backend" in plan.statements[1]] == [True, True]
    assert all(plan.sessions[0].backend_start.isoformat() in statement for statement in plan.statements)


def test_the_query_is_cancelled_before_unless_now(any_url: str, any_database: Database) -> None:
    for now, expected in ((False, "57014"), (True, None)):  # query_canceled; libpq gives no code with a lost connection
        with connected(any_url) as connection:
            connection.autocommit = True
            thread, codes = heard(connection)
            until(functools.partial(is_active, any_database, pid := connection.get_backend_pid()))
            plan = plans.plan(any_database, pid, "terminate", now=now)
            plans.carry_out(any_database, plan)
            thread.join(10)
        assert codes == [expected]


def heard(connection: psycopg2.extensions.connection) -> tuple[threading.Thread, list[str | None]]:
    """Run a query in a thread; what code its client was told at its end."""
    codes: list[str | None] = []

    def run() -> None:
        try:
            tell(connection, SLEEP)
        except psycopg2.Error as error:
            codes.append(error.pgcode)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, codes


def test_an_idle_session_is_terminated_without_a_cancel(any_url: str, any_database: Database) -> None:
    with idle_in_transaction(any_url) as pid:
        plan = plans.plan(any_database, pid, "terminate")
        assert len(plan.steps) == 2 and len(plan.statements) == 1
        assert plans.carry_out_one(any_database, plan).outcome == "terminated"
        assert not is_there(any_database, pid)


@pytest.mark.parametrize("action", ["cancel", "terminate"])
def test_another_session_of_the_same_number_is_never_hit(action: Action, any_url: str, any_database: Database) -> None:
    with running(any_url, SLEEP) as pid:
        plan = plans.plan(any_database, pid, action)
        begun = plan.sessions[0].backend_start
        other = altered(plan, backend_start=begun - timedelta(microseconds=1))
        done = plans.carry_out_one(any_database, other)
        assert (done.outcome, done.confirmed) == ("ended", True)
        assert state_of(any_database, pid) == "active"


def test_another_query_of_the_same_session_is_not_cancelled(any_url: str, any_database: Database) -> None:
    with connected(any_url) as connection:
        connection.autocommit = True
        pid = connection.get_backend_pid()
        first, _codes = heard(connection)
        until(lambda: is_active(any_database, pid))
        plan = plans.plan(any_database, pid, "cancel")
        connection.cancel()
        first.join()
        second, codes = heard(connection)
        until(lambda: is_active(any_database, pid))
        assert plans.carry_out_one(any_database, plan).outcome == "ended"
        assert (state_of(any_database, pid), codes) == ("active", [])
        connection.cancel()
        second.join()


@pytest.mark.parametrize("action", ["cancel", "terminate"])
def test_who_has_ended_meanwhile_is_told(action: Action, any_url: str, any_database: Database) -> None:
    with running(any_url, SLEEP) as pid:
        plan = plans.plan(any_database, pid, action)
    until(lambda: not is_there(any_database, pid))
    done = plans.carry_out_one(any_database, plan)
    assert (done.outcome, done.confirmed) == ("ended", True)


def test_a_number_of_nobody_is_not_found(any_database: Database) -> None:
    error = refused(any_database, 2**22 + 1)
    assert isinstance(error, NotFound) and str(2**22 + 1) in error.what


def test_a_script_names_the_session_by_when_it_began(any_url: str, any_database: Database) -> None:
    with idle_in_transaction(any_url) as pid:
        session = sessions.find(any_database, pid)
        assert session is not None and session.backend_start is not None
        assert plans.plan(any_database, pid, "terminate", started=session.backend_start).sessions[0].pid == pid
        error = refused(any_database, pid, started=session.backend_start - timedelta(seconds=1))
    assert isinstance(error, NotFound) and "has ended" in error.what and "belongs to one that began" in error.why


def test_a_session_without_a_query_has_nothing_to_cancel(any_url: str, any_database: Database) -> None:
    with idle_in_transaction(any_url) as pid:
        error = refused(any_database, pid, "cancel")
    assert isinstance(error, NotFound)
    assert (error.why, error.hint) == ("It is idle in transaction.", f"chatai db terminate {pid}")


def test_our_own_session_is_refused_even_with_force(any_database: Database) -> None:
    error = refused(any_database, any_database.value("SELECT pg_backend_pid()"), force=True)
    assert isinstance(error, NotPermitted) and "this command itself" in error.why


@pytest.mark.parametrize("kind", ["checkpointer", "logical replication launcher", "walwriter"])
def test_the_servers_own_processes_are_refused_even_with_force(kind: str, any_database: Database) -> None:
    pid = any_database.value("SELECT pid FROM pg_stat_activity WHERE backend_type = %(kind)s", kind=kind)
    error = refused(any_database, pid, force=True)
    assert isinstance(error, NotPermitted) and kind in error.why


def test_a_real_pg_dump_is_refused_and_ended_by_force(any_url: str, any_database: Database) -> None:
    any_database.execute("CREATE TABLE t (a int)")
    with idle_in_transaction(any_url, "LOCK TABLE t"), dumping(any_url, PGAPPNAME="nightly") as dump:
        pid = any_database.value("SELECT pid FROM pg_stat_activity WHERE application_name = 'nightly'")
        error = refused(any_database, pid)
        assert isinstance(error, NotPermitted) and "backup" in error.why
        assert error.hint == f"chatai db terminate {pid} --force"
        plan = plans.plan(any_database, pid, "terminate", force=True)
        assert plans.carry_out_one(any_database, plan).confirmed
        assert dump.wait(10) != 0


def test_replication_and_migrations_are_refused(any_url: str, any_database: Database) -> None:
    factory = psycopg2.extras.PhysicalReplicationConnection
    with connected(any_url, "копия", connection_factory=factory) as replica:
        error = refused(any_database, replica.get_backend_pid())
        assert isinstance(error, NotPermitted) and "replica" in error.why
    with locked(any_url) as connection:
        connection.exec_driver_sql("SET application_name = 'psql'")
        pid = connection.connection.dbapi_connection.get_backend_pid()  # type: ignore[union-attr]
        error = refused(any_database, pid)
        assert isinstance(error, NotPermitted) and "changes the tables" in error.why


def test_a_helper_of_a_parallel_query_names_its_leader(any_url: str, any_database: Database) -> None:
    any_database.execute("CREATE TABLE t AS SELECT g AS a FROM generate_series(1, 3000) AS g")
    any_database.execute("""
        CREATE FUNCTION slow(int) RETURNS bool LANGUAGE plpgsql PARALLEL SAFE
        AS 'BEGIN PERFORM pg_sleep(0.02); RETURN true; END'
    """)
    forced = [
        "SET parallel_setup_cost = 0", "SET parallel_tuple_cost = 0", "SET min_parallel_table_scan_size = 0",
        "SET parallel_leader_participation = off",
    ]  # fmt: skip
    worker = "SELECT pid FROM pg_stat_activity WHERE leader_pid = %(leader)s"
    with running(any_url, *forced, "SELECT count(*) FROM t WHERE slow(a)") as leader:
        until(lambda: any_database.value(worker, leader=leader))
        error = refused(any_database, any_database.value(worker, leader=leader))
        assert isinstance(error, NotPermitted) and error.hint == f"chatai db terminate {leader}"
        assert plans.carry_out_one(any_database, plans.plan(any_database, leader, "cancel")).outcome == "cancelled"


def test_a_query_that_does_not_listen_is_busy_and_can_be_terminated(any_url: str, any_database: Database) -> None:
    with running(any_url, DEAF) as pid:
        plan = plans.plan(any_database, pid, "cancel", wait=0.3)
        with pytest.raises(Busy) as caught:
            plans.carry_out_one(any_database, plan)
        assert "still runs after 300 ms" in caught.value.what
        assert "waits for Timeout: PgSleep" in caught.value.why
        assert caught.value.hint == f"chatai db terminate {pid}"
        plan = plans.plan(any_database, pid, "terminate", wait=5)
        done = plans.carry_out_one(any_database, dataclasses.replace(plan, cancel_for=0.2))
        assert (done.outcome, done.confirmed) == ("terminated", True)


def test_a_session_that_does_not_go_away_is_busy(any_url: str, any_database: Database) -> None:
    with connected(any_url) as connection:
        pid = connection.get_backend_pid()
        plan = plans.plan(any_database, pid, "terminate", wait=0.3)
        os.kill(pid, signal.SIGSTOP)
        try:
            rows = plans.carry_out(any_database, plan)
        finally:
            os.kill(pid, signal.SIGCONT)
        assert [(row.outcome, row.confirmed, row.seconds) for row in rows] == [("terminated", False, None)]
        assert isinstance(rows.failure, Busy) and f"{pid} is still there after 300 ms" in rows.failure.what
        until(lambda: not is_there(any_database, pid))


@contextmanager
def another(server: PostgreSQL, url: str, role: str) -> Iterator[str]:
    """The same address for a fresh role of this name."""
    server.execute("CREATE ROLE {} LOGIN", role)
    try:
        yield libpq(url).replace("//postgres@", f"//{role}@")
    finally:
        server.execute("DROP ROLE {}", role)


def test_what_a_role_may_end_is_what_postgresql_lets_it_end(
    server: PostgreSQL, any_url: str, any_database: Database
) -> None:
    with another(server, any_url, f"shop_{uuid.uuid4().hex[:8]}") as shop, running(shop, SLEEP) as pid:
        with seen_by_a_role(any_database) as seen:  # it sees nothing of it
            error = refused(seen, pid)
            assert isinstance(error, NotPermitted) and error.hint.startswith("GRANT pg_monitor TO ")
            with pytest.raises(ChataiError):
                seen.value(f"SELECT pg_terminate_backend({pid})")
        with seen_by_a_role(any_database, "pg_monitor") as seen:
            error = refused(seen, pid)
            assert isinstance(error, NotPermitted) and error.hint.startswith("GRANT pg_signal_backend TO ")
            with pytest.raises(ChataiError):
                seen.value(f"SELECT pg_terminate_backend({pid})")
        with seen_by_a_role(any_database, "pg_monitor", "pg_signal_backend") as seen:
            done = plans.carry_out_one(seen, plans.plan(seen, pid, "terminate"))
            assert (done.outcome, done.confirmed) == ("terminated", True)
            with running(any_url, SLEEP) as of_a_superuser:
                error = refused(seen, of_a_superuser)
                assert isinstance(error, NotPermitted) and "only a superuser" in error.why
                with pytest.raises(ChataiError):
                    seen.value(f"SELECT pg_terminate_backend({of_a_superuser})")
        assert not is_there(any_database, pid)


def test_a_role_may_end_its_own_sessions(server: PostgreSQL, any_url: str) -> None:
    with (
        another(server, any_url, f"shop_{uuid.uuid4().hex[:8]}") as shop,
        closing(Database(shop)) as seen,
        running(shop, SLEEP) as pid,
    ):
        assert plans.carry_out_one(seen, plans.plan(seen, pid, "terminate")).outcome == "terminated"


def test_all_that_last_are_ended_and_the_protected_are_left(any_url: str, any_database: Database) -> None:
    with (
        running(any_url, SLEEP, application="one") as one,
        idle_in_transaction(any_url, application="two") as two,
        idle_in_transaction(any_url, application="pg_dump") as dump,
        connected(any_url, "idle") as idle,
    ):
        plan = plans.plan_lasting(any_database, over=0)
        assert sorted(target.pid for target in plan.sessions) == sorted([one, two])
        assert [(left.pid, left.application) for left in plan.left] == [(dump, "pg_dump")]
        assert plan.database == any_database.value("SELECT current_database()")
        assert "Terminate 2 sessions of " in plan.summary and len(plan.steps) == 2
        assert all(str(pid) in plan.summary for pid in (one, two))  # it is all that audit.log tells
        assert plan.remarks[0].startswith(f"{dump} (postgres, pg_dump) is left. It is protected")
        rows = plans.carry_out(any_database, plan)
        assert {(row.pid, row.outcome, row.confirmed) for row in rows} == {
            (one, "terminated", True),
            (two, "terminated", True),
        }
        assert rows.failure is None
        assert [is_there(any_database, pid) for pid in (one, two)] == [False, False]
        assert [is_there(any_database, pid) for pid in (dump, idle.get_backend_pid())] == [True, True]
        forced = plans.plan_lasting(any_database, over=0, force=True)
        assert [target.pid for target in forced.sessions] == [dump]


def test_the_limit_leaves_the_shorter_ones(any_url: str, any_database: Database) -> None:
    with running(any_url, SLEEP) as longest, running(any_url, SLEEP):
        assert [target.pid for target in plans.plan_lasting(any_database, over=0, limit=1).sessions] == [longest]


def test_who_is_no_longer_over_the_limit_is_spared(any_url: str, any_database: Database) -> None:
    with connected(any_url) as one, connected(any_url) as two:
        for connection in (one, two):
            tell(connection, "SELECT 1")
        until(lambda: len(plans.plan_lasting(any_database, over=0.5).sessions) == 2)
        plan = plans.plan_lasting(any_database, over=0.5)
        one.rollback()  # it becomes idle
        two.rollback()
        tell(two, "SELECT 2")  # and this one begins anew
        rows = plans.carry_out(any_database, dataclasses.replace(plan, over=5.0))
        assert [(row.outcome, row.confirmed) for row in rows] == [("spared", True)] * 2
        assert [is_there(any_database, each.get_backend_pid()) for each in (one, two)] == [True, True]


def test_nothing_to_end_is_said(any_url: str, any_database: Database) -> None:
    with idle_in_transaction(any_url, application="pg_dump"):
        plan = plans.plan_lasting(any_database, over=0)
        assert plan.sessions == [] and "Nothing that could be ended lasts longer than" in plan.summary
        assert plans.carry_out(any_database, plan) == []


def test_what_others_do_is_hidden_from_a_plain_role_and_told(any_url: str, any_database: Database) -> None:
    with idle_in_transaction(any_url), seen_by_a_role(any_database) as seen:
        plan = plans.plan_lasting(seen, over=0)
    assert plan.sessions == [] and "GRANT pg_monitor TO" in plan.remarks[0]


def test_those_who_may_not_be_ended_are_left_with_the_reason(any_url: str, any_database: Database) -> None:
    with idle_in_transaction(any_url) as pid, seen_by_a_role(any_database, "pg_monitor", "pg_signal_backend") as seen:
        plan = plans.plan_lasting(seen, over=0)
    assert [(left.pid, "only a superuser" in left.reason) for left in plan.left] == [(pid, True)]


def test_many_are_ended_at_once(any_url: str, any_database: Database) -> None:
    with ExitStack() as stack:
        pids = [stack.enter_context(running(any_url, DEAF if n == 0 else SLEEP)) for n in range(8)]
        plan = dataclasses.replace(plans.plan_lasting(any_database, over=0), cancel_for=0.3)
        rows = plans.carry_out(any_database, plan)
    assert sorted(row.pid for row in rows) == sorted(pids)
    assert all(row.confirmed and row.seconds is not None and row.seconds < 5 for row in rows)


def test_autovacuum_can_be_ended_by_whom_postgresql_lets(cluster: Cluster) -> None:
    slow = {"autovacuum": "on", "autovacuum_naptime": "1", "autovacuum_vacuum_cost_delay": "100ms"}
    cluster.settings.update(slow, autovacuum_vacuum_cost_limit="1", autovacuum_vacuum_threshold="10")
    url = cluster.start().url
    working = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'autovacuum: VACUUM%%.t'"
    with closing(Database(url)) as database:
        database.execute("CREATE TABLE t AS SELECT g AS a FROM generate_series(1, 50000) AS g")
        database.execute("DELETE FROM t")
        until(lambda: database.value(working))
        pid = database.value(working)
        has_role = database.value("SELECT to_regrole('pg_signal_autovacuum_worker') IS NOT NULL")
        with seen_by_a_role(database, "pg_monitor", "pg_signal_backend") as seen:
            error = refused(seen, pid)
            assert ("GRANT pg_signal_autovacuum_worker" in error.hint) == has_role
            with pytest.raises(ChataiError):
                seen.value(f"SELECT pg_cancel_backend({pid})")
        groups = ("pg_monitor", "pg_signal_autovacuum_worker") if has_role else ("pg_monitor",)
        attributes = "" if has_role else "SUPERUSER"
        with seen_by_a_role(database, *groups, attributes=attributes) as seen, suppress(NotFound):
            assert plans.carry_out_one(seen, plans.plan(seen, pid, "terminate")).confirmed
