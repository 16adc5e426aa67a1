"""The log of slow statements: on for ChatAI's own sessions, and back to exactly what was before."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from chatai_core.adapters.postgres import Database, Session, identifier
from chatai_core.database.upkeep import slow_log
from chatai_core.errors import BadData, Busy, Misused, NotPermitted
from tests.core.database.busy import idle_in_transaction
from tests.core.database.roles import seen_by_a_role
from tests.servers.clusters import Cluster

NOBODY = Database("postgresql://postgres@/nobody?host=/nowhere")  # slips are told before it is asked
SHOWN = "SELECT current_setting('log_min_duration_statement')"


def shown(url: str) -> str:
    """What a session that begins now gets."""
    with closing(Database(url)) as fresh:
        return str(fresh.value(SHOWN))


def own(database: Database) -> str | None:
    """What ALTER ROLE … IN DATABASE … has set."""
    return database.value(  # type: ignore[no-any-return]
        "SELECT setconfig::text FROM pg_db_role_setting AS s JOIN pg_database AS d ON d.oid = setdatabase"
        " WHERE datname = current_database() AND setrole = (SELECT oid FROM pg_roles WHERE rolname = session_user)"
    )


def switch(url: str, directory: Path, wanted: str) -> slow_log.SlowLog:
    with closing(Database(url)) as fresh:
        plan = slow_log.plan(fresh, directory, wanted)
    return slow_log.carry_out(url, directory, plan)


@contextmanager
def allowed(database: Database) -> Iterator[Database]:
    """A role that is no superuser and may set the parameter, which 14 cannot grant."""
    if database.value("SELECT to_regprocedure('has_parameter_privilege(text,text)')") is None:
        pytest.skip("This server cannot grant parameters.")
    with seen_by_a_role(database) as role:
        grant = f"""SET ON PARAMETER log_min_duration_statement {{}} "{role.value("SELECT current_user")}" """
        database.execute("GRANT " + grant.format("TO"))
        yield role
        database.execute("REVOKE " + grant.format("FROM"))


def test_it_is_switched_on_and_off_again(any_database: Database, tmp_path: Path) -> None:
    with allowed(any_database) as role:
        before = shown(role.url)
        on = switch(role.url, tmp_path, "250")
        assert (on.over_ms, on.source, shown(role.url)) == (250, "database user", "250ms")
        assert shown(any_database.url) == before, "Others are not concerned."
        off = switch(role.url, tmp_path, "off")
        assert (off.off_restores, shown(role.url), own(role)) == (None, before, None)


def test_the_value_of_before_comes_back_exactly(any_database: Database, tmp_path: Path) -> None:
    name = any_database.value("SELECT current_database()")
    for before in ("777", "1min", "-1"):
        any_database.execute(f"ALTER ROLE postgres IN DATABASE \"{name}\" SET log_min_duration_statement = '{before}'")
        was = own(any_database)
        assert switch(any_database.url, tmp_path, "2s").off_restores == before
        assert switch(any_database.url, tmp_path, "300ms").off_restores == before
        assert shown(any_database.url) == "300ms"
        switch(any_database.url, tmp_path, "off")
        assert own(any_database) == was


def test_what_others_have_set_for_the_database_stands_behind_it(any_database: Database, tmp_path: Path) -> None:
    name = any_database.value("SELECT current_database()")
    any_database.execute(f'ALTER DATABASE "{name}" SET log_min_duration_statement = 777')
    switch(any_database.url, tmp_path, "250")
    assert shown(any_database.url) == "250ms"
    off = switch(any_database.url, tmp_path, "off")
    assert (off.over_ms, off.source) == (777, "database")


def test_twice_the_same_changes_nothing(any_database: Database, tmp_path: Path) -> None:
    switch(any_database.url, tmp_path, "250")
    again = slow_log.plan(any_database, tmp_path, "250")
    assert again.statements == [] and "already" in again.steps[0]
    assert slow_log.carry_out(any_database.url, tmp_path, again).over_ms == 250
    switch(any_database.url, tmp_path, "off")
    assert slow_log.plan(any_database, tmp_path, "off").statements == []


def test_who_was_killed_before_the_statement_has_lost_nothing(any_database: Database, tmp_path: Path) -> None:
    name = any_database.value("SELECT current_database()")
    any_database.execute(f'ALTER ROLE postgres IN DATABASE "{name}" SET log_min_duration_statement = 777')
    switch(any_database.url, tmp_path, "250")
    any_database.execute(f'ALTER ROLE postgres IN DATABASE "{name}" SET log_min_duration_statement = 777')
    switch(any_database.url, tmp_path, "100")
    switch(any_database.url, tmp_path, "off")
    assert shown(any_database.url) == "777ms"


def test_two_at_once_remember_what_was_before_both(any_database: Database, tmp_path: Path) -> None:
    name = any_database.value("SELECT current_database()")
    any_database.execute(f'ALTER ROLE postgres IN DATABASE "{name}" SET log_min_duration_statement = 777')
    results: list[slow_log.SlowLog] = []
    threads = [
        threading.Thread(target=lambda ms=ms: results.append(switch(any_database.url, tmp_path, ms)))
        for ms in ("100", "200", "300", "400")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.off_restores for result in results] == ["777"] * 4
    switch(any_database.url, tmp_path, "off")
    assert shown(any_database.url) == "777ms"


def test_who_cannot_get_in_is_told_that_it_is_busy(any_database: Database, tmp_path: Path) -> None:
    plan = slow_log.plan(any_database, tmp_path, "250")
    with idle_in_transaction(any_database.url, f"SELECT pg_advisory_lock({slow_log._LOCK})"), pytest.raises(Busy):
        slow_log.carry_out(any_database.url, tmp_path, plan, wait=0.1)


def test_each_database_and_role_has_its_own_memory(any_database: Database, tmp_path: Path) -> None:
    with allowed(any_database) as role:
        switch(role.url, tmp_path, "250")
        assert slow_log.state(any_database, tmp_path).off_restores is None
        assert slow_log.plan(any_database, tmp_path, "off").statements == []
        switch(role.url, tmp_path, "off")


def test_off_leaves_what_an_administrator_has_set_and_says_so(any_database: Database, tmp_path: Path) -> None:
    name = any_database.value("SELECT current_database()")
    any_database.execute(f'ALTER ROLE postgres IN DATABASE "{name}" SET log_min_duration_statement = 777')
    switch(any_database.url, tmp_path, "250")
    for _time in range(3):
        off = switch(any_database.url, tmp_path, "off")
        assert (off.over_ms, off.off_restores, shown(any_database.url)) == (777, None, "777ms")
        statement = f'ALTER ROLE "postgres" IN DATABASE "{name}" RESET log_min_duration_statement;'
        assert f"ChatAI did not set this value, and off leaves it; who does not want it: {statement}" in (
            off.reading or ""
        )
    plan = slow_log.plan(any_database, tmp_path, "off")
    assert (plan.steps, plan.statements) == ([], [])
    assert plan.summary.startswith("ChatAI has set nothing for the role postgres in the database ")


def test_off_without_anything_set_needs_no_right(any_database: Database, tmp_path: Path) -> None:
    with seen_by_a_role(any_database) as role:
        plan = slow_log.plan(role, tmp_path, "off")
        assert (plan.steps, plan.statements) == ([], [])
        off = slow_log.carry_out(role.url, tmp_path, plan)
    assert "ChatAI" not in (off.reading or "")


def test_a_role_that_may_not_is_told_the_statement_that_helps(any_database: Database, tmp_path: Path) -> None:
    with seen_by_a_role(any_database) as role:
        if role.value("SELECT to_regprocedure('has_parameter_privilege(text,text)')") is None:
            pytest.skip("This server cannot grant parameters.")
        with pytest.raises(NotPermitted) as caught:
            slow_log.plan(role, tmp_path, "250")
        any_database.execute(caught.value.hint)
        assert switch(role.url, tmp_path, "250").over_ms == 250
        switch(role.url, tmp_path, "off")
        any_database.execute(caught.value.hint.replace("GRANT", "REVOKE").replace(" TO ", " FROM "))


@pytest.mark.parametrize("wanted", ["all", "mod", "0", "0s"])
def test_all_statements_are_never_logged_and_the_leak_is_named(wanted: str, tmp_path: Path) -> None:
    with pytest.raises(Misused) as caught:
        slow_log.plan(NOBODY, tmp_path, wanted)
    assert "messages, tokens and passwords" in caught.value.why


@pytest.mark.parametrize("wanted", ["", "-1", "fast", "1h", "9999999999", "1.5", "250; DROP", "٣"])
def test_garbage_is_no_time(wanted: str, tmp_path: Path) -> None:
    with pytest.raises(Misused):
        slow_log.plan(NOBODY, tmp_path, wanted)


def test_a_short_time_warns_of_the_volume(any_database: Database, tmp_path: Path) -> None:
    plan = slow_log.plan(any_database, tmp_path, "9")
    assert any("fills the log" in step for step in plan.steps)
    assert not any("fills the log" in step for step in slow_log.plan(any_database, tmp_path, "10").steps)
    assert "fills the log" in (slow_log.carry_out(any_database.url, tmp_path, plan).reading or "")


def test_a_memory_that_is_damaged_is_named(any_database: Database, tmp_path: Path) -> None:
    switch(any_database.url, tmp_path, "250")
    [file] = tmp_path.rglob("log_slow-*.json")
    file.write_text("{")
    with pytest.raises(BadData) as caught:
        slow_log.plan(any_database, tmp_path, "off")
    assert str(file) in caught.value.hint


def test_a_log_of_all_statements_is_named_with_what_ends_it(any_database: Database, tmp_path: Path) -> None:
    with seen_by_a_role(any_database) as role:
        user, name = (identifier(role.value(f"SELECT {what}")) for what in ("current_user", "current_database()"))
        for place, value in (
            (f"ALTER DATABASE {name}", "all"),
            (f"ALTER ROLE {user}", "mod"),
            (f"ALTER ROLE {user} IN DATABASE {name}", "all"),
        ):
            any_database.execute(f"{place} SET log_statement = '{value}'")
            with closing(Database(role.url)) as fresh:
                state = slow_log.state(fresh, tmp_path)
            assert state.leak_sql == f"{place} RESET log_statement;"
            assert "tokens and passwords" in (state.reading or "") and state.leak_sql in (state.reading or "")
            any_database.execute(state.leak_sql)
            with closing(Database(role.url)) as fresh:
                assert slow_log.state(fresh, tmp_path).leak is None


def test_the_server_writes_down_what_is_slow_and_nothing_else(cluster: Cluster, tmp_path: Path) -> None:
    cluster.start()
    switch(cluster.url, tmp_path, "100")
    _outside(cluster.url, "SELECT 'quick'", "SELECT 'slow', pg_sleep(0.15)")
    log = (cluster.directory / "log").read_text()
    assert "SELECT 'slow'" in log and "SELECT 'quick'" not in log
    _outside(cluster.url, "ALTER SYSTEM SET log_statement = 'all'", "SELECT pg_reload_conf()", "SELECT pg_sleep(0.1)")
    with closing(Database(cluster.url)) as fresh:
        leak_sql = slow_log.state(fresh, tmp_path).leak_sql or ""
    _outside(cluster.url, *leak_sql.rstrip(";").split("; "), "SELECT pg_sleep(0.1)")
    with closing(Database(cluster.url)) as fresh:
        assert slow_log.state(fresh, tmp_path).leak is None


def _outside(url: str, *statements: str) -> None:
    """Carry statements out, each by itself."""
    with Session(url, application="psql") as session:
        for statement in statements:
            session.run(statement)
