"""`chatai db activity|long|connections|locks|cancel|terminate`, run as an operator runs them."""

import csv
import io
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from chatai_core.adapters.postgres import Database, name_of
from tests.core.database.busy import connected, idle_in_transaction, running, tell, until
from tests.ops.conftest import Process, without_colors
from tests.servers.clusters import Cluster
from tests.servers.command import Command
from tests.servers.databases import Databases

SLEEP = "SELECT pg_sleep(60)"


def is_there(database: Database, pid: int) -> bool:
    return bool(database.value("SELECT count(*) FROM pg_stat_activity WHERE pid = %(pid)s", pid=pid))


@contextmanager
def another_role(databases: Databases, url: str) -> Iterator[str]:
    """The same address for a role without any rights."""
    role = f"plain_{uuid.uuid4().hex[:8]}"
    databases.execute("CREATE ROLE {} LOGIN", role)
    try:
        yield url.replace("//postgres@", f"//{role}@")
    finally:
        databases.execute("DROP ROLE {}", role)


def audited(home: Path) -> list[str]:
    """The lines of audit.log."""
    log = home / "logs" / "audit.log"
    return log.read_text("utf-8").splitlines() if log.exists() else []


def test_activity_gives_the_fields_of_the_contract_first(chatai: Command, database_url: str) -> None:
    with running(database_url, "SELECT\n pg_sleep(60)", application="web") as pid, connected(database_url, "idle"):
        (first, second) = chatai("db", "activity", "--json").json
        table = chatai("db", "activity")
        chosen = chatai("db", "activity", "--state", "idle", "--application", "idle", "-n", "1", "--json").json
    fields = ["pid", "backend_start", "user", "application", "state", "duration_seconds", "query"]
    assert list(first)[: len(fields)] == fields
    assert (first["pid"], first["state"], first["query"]) == (pid, "active", "SELECT\n pg_sleep(60)")
    assert second["application"] == "idle"
    assert [row["application"] for row in chosen] == ["idle"]
    heads, line, _idle = table.stdout.splitlines()
    assert heads.split() == ["PID", "User", "Application", "State", "Duration", "seconds", "Begins", "Wait"]
    assert line.split()[:4] == [str(pid), "postgres", "web", "active"] and "SELECT pg_sleep(60)" in line


def test_on_a_terminal_control_characters_of_a_query_do_nothing(it: Process, database_url: str) -> None:
    with running(database_url, "SELECT '\x1b[31m', pg_sleep(60)"):
        shown = it.on_terminal("db", "activity", env={"DATABASE_URL": database_url, "COLUMNS": "100"})
    text = without_colors(shown.stdout)
    assert shown.exit_code == 0 and "\\x1b" in text
    assert max(map(len, text.splitlines())) <= 100


def test_nothing_that_matches_is_said(chatai: Command, database_url: str) -> None:
    shown = chatai("db", "activity", "--user", "nobody")
    assert (shown.exit_code, shown.stdout, shown.stderr) == (0, "", "No such session is connected.\n")


def test_a_state_that_is_none_is_64(chatai: Command, database_url: str) -> None:
    assert chatai("db", "activity", "--state", "sleepy").exit_code == 64


def test_long_gives_the_fields_of_the_contract_first(chatai: Command, database_url: str) -> None:
    with running(database_url, SLEEP) as pid, idle_in_transaction(database_url, application="pg_dump") as dump:
        rows = chatai("db", "long", "--over", "0s", "--json").json
        table = chatai("db", "long", "--over", "0").stdout
        assert chatai("db", "long", "--json").json == []
    fields = [
        "pid", "backend_start", "user", "application", "state", "duration_seconds", "transaction_seconds", "query",
        "protected",
    ]  # fmt: skip
    assert list(rows[0])[: len(fields)] == fields
    assert [(row["pid"], row["protected"]) for row in rows] == [(pid, None), (dump, "backup")]
    assert "idle in transaction" in table and "backup" in table


def test_nothing_that_lasts_is_said_but_never_of_what_is_hidden(
    chatai: Command, database_url: str, databases: Databases
) -> None:
    assert chatai("db", "long").stderr == "Nothing lasts so long.\n"
    with another_role(databases, database_url) as plain:
        shown = chatai("db", "long", env={"DATABASE_URL": plain})
    assert (shown.exit_code, shown.stdout) == (0, "")
    assert "sees only its own sessions: GRANT pg_monitor TO" in shown.stderr


@pytest.mark.parametrize("over", ["soon", "-1m", "5ms"])
def test_a_duration_that_is_none_is_64(over: str, chatai: Command) -> None:
    refused = chatai("db", "long", "--over", over)
    assert refused.exit_code == 64, refused


def test_connections_gives_the_fields_of_the_contract_first(chatai: Command, database_url: str) -> None:
    with idle_in_transaction(database_url, application="касса"):
        found = chatai("db", "connections", "--json").json
    assert list(found)[:6] == ["used", "usable", "max", "reserved", "by_state", "by_application"]
    assert found["by_database"][name_of(database_url)] == 2
    assert found["usable"] == found["max"] - found["reserved"]
    assert sum(found["by_state"].values()) == found["used"] == sum(found["by_application"].values())


def test_a_server_without_a_free_place_is_75(cluster: Cluster, chatai: Command) -> None:
    cluster.settings.update(max_connections="8", superuser_reserved_connections="3")
    superuser = cluster.start().url
    with connected(superuser) as connection:
        connection.autocommit = True
        tell(connection, "CREATE ROLE plain LOGIN")
        plain = superuser.replace("//postgres@", "//plain@")
        with connected(plain), connected(plain), connected(plain), connected(plain):
            refused = chatai("db", "connections", env={"DATABASE_URL": plain})
            shown = chatai("db", "connections", "--json", env={"DATABASE_URL": superuser})
    assert (refused.exit_code, refused.stdout) == (75, "")
    assert "has no free connection" in refused.stderr and "remaining connection slots" in refused.stderr
    assert len(refused.stderr.splitlines()) == 3
    assert (shown.exit_code, shown.json["used"], shown.json["usable"]) == (0, 6, 5)


def test_locks_shows_the_tree_and_the_fields_of_the_contract_first(
    chatai: Command, database_url: str, database: Database
) -> None:
    assert chatai("db", "locks").stderr == "Nobody waits for a lock.\n"
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = ANY (%(pids)s)"
    with (
        idle_in_transaction(database_url, "SELECT * FROM users", application="forgotten") as root,
        running(database_url, "ALTER TABLE users\n ADD b int", application="deploy") as ddl,
        running(database_url, "SELECT 1 FROM users", application="web") as reader,
    ):
        until(lambda: database.value(waiting, pids=[ddl, reader]) == 2)
        rows = chatai("db", "locks", "--json").json
        shown = chatai("db", "locks").stdout.splitlines()
        sheet = list(csv.DictReader(io.StringIO(chatai("db", "locks", "-o", "csv").stdout)))
    fields = [
        "blocked_pid", "blocking_pids", "root_pid", "waiting_seconds", "relation", "mode", "blocked_query",
        "blocking_query",
    ]  # fmt: skip
    assert list(rows[0])[: len(fields)] == list(rows[1])[: len(fields)] == fields
    assert [(row["blocked_pid"], row["blocking_pids"], row["root_pid"]) for row in rows] == [
        (ddl, [root], root),
        (reader, [ddl], root),
    ]
    assert rows[0]["blocked_query"] == "ALTER TABLE users\n ADD b int"
    assert [line.split()[0] for line in shown] == [str(root), str(ddl), str(reader)]
    assert [len(line) - len(line.lstrip()) for line in shown] == [0, 3, 6]
    assert [row["blocked_pid"] for row in sheet] == [str(ddl), str(reader)]


def test_cancel_asks_first(chatai: Command, it: Process, database_url: str, database: Database, home: Path) -> None:
    with running(database_url, SLEEP) as pid:
        refused = chatai("db", "cancel", str(pid))
        assert (refused.exit_code, refused.stdout) == (64, "")
        assert "pg_cancel_backend" in refused.stderr and "--yes" in refused.stderr
        env = {"DATABASE_URL": database_url}
        assert it.on_terminal("db", "cancel", str(pid), typed=["n\n"], env=env).exit_code == 130
        assert audited(home) == []
        done = it.on_terminal("db", "cancel", str(pid), typed=["y\n"], env=env)
        assert done.exit_code == 0 and "cancelled" in done.stdout, done
        state = database.value("SELECT state FROM pg_stat_activity WHERE pid = %(pid)s", pid=pid)
    assert state == "idle in transaction (aborted)"


def test_terminate_says_what_it_did_and_leaves_one_line_in_the_audit_log(
    chatai: Command, database_url: str, database: Database, home: Path
) -> None:
    with running(database_url, "SELECT pg_sleep(60), 'private'", application="web") as pid:
        planned = chatai("db", "terminate", str(pid), "--dry-run", "--json").json
        assert is_there(database, pid)
        done = chatai("db", "terminate", str(pid), "--yes", "--json")
        assert not is_there(database, pid)
    assert [target["pid"] for target in planned["sessions"]] == [pid]
    assert (done.exit_code, done.stderr) == (0, "")
    result = done.json
    assert (result["pid"], result["outcome"], result["confirmed"]) == (pid, "terminated", True)
    assert result["seconds"] < 5
    (line,) = audited(home)
    assert f"Terminate the session {pid} (postgres, web)" in line and "success" in line and "private" not in line


def test_a_script_names_the_session_by_its_start_as_json_gives_it(
    chatai: Command, database_url: str, database: Database
) -> None:
    with idle_in_transaction(database_url) as pid:
        (row,) = [row for row in chatai("db", "activity", "--json").json if row["pid"] == pid]
        wrong = row["backend_start"].replace(row["backend_start"][:4], "2020", 1)
        refused = chatai("db", "terminate", str(pid), "--started", wrong, "--yes")
        assert (refused.exit_code, is_there(database, pid)) == (66, True)
        done = chatai("db", "terminate", str(pid), "--started", row["backend_start"], "--yes")
        assert (done.exit_code, is_there(database, pid)) == (0, False)


@pytest.mark.parametrize("action", ["cancel", "terminate"])
def test_explain_shows_the_identity_in_the_statement_and_does_nothing(
    action: str, chatai: Command, database_url: str, database: Database
) -> None:
    with running(database_url, SLEEP) as pid:
        shown = chatai("db", action, str(pid), "--explain")
        assert is_there(database, pid)
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert f"pg_{action}_backend(a.pid)" in shown.stdout
    assert f"a.pid = {pid}" in shown.stdout and "a.backend_start = '20" in shown.stdout


@pytest.mark.parametrize("action", ["cancel", "terminate"])
def test_what_cannot_be_ended_is_told_before_the_question(
    action: str, chatai: Command, database_url: str, database: Database
) -> None:
    codes = {pid: chatai("db", action, pid).exit_code for pid in ("4194305", "x", "0", "-1", "99999999999999")}
    assert codes == {"4194305": 66, "x": 64, "0": 64, "-1": 64, "99999999999999": 64}
    checkpointer = database.value("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'")
    refused = chatai("db", action, str(checkpointer))
    assert (refused.exit_code, refused.stdout) == (77, "") and "checkpointer" in refused.stderr
    with running(database_url, SLEEP, application="pg_restore") as pid:
        refused = chatai("db", action, str(pid), "--json")
        assert (refused.exit_code, is_there(database, pid)) == (77, True)
        assert json.loads(refused.stderr)["hint"] == f"chatai db {action} {pid} --force"
        assert chatai("db", action, str(pid), "--force", "--yes").exit_code == 0


def test_a_role_without_the_right_is_77_with_the_grant(
    chatai: Command, database_url: str, databases: Databases, database: Database
) -> None:
    with idle_in_transaction(database_url) as pid, another_role(databases, database_url) as plain:
        refused = chatai("db", "terminate", str(pid), env={"DATABASE_URL": plain})
        assert (refused.exit_code, is_there(database, pid)) == (77, True)
    assert "GRANT pg_monitor TO" in refused.stderr


def test_a_read_only_profile_ends_nobody_but_shows(chatai: Command, database_url: str, database: Database) -> None:
    env = {"CHATAI_READONLY": "true"}
    with idle_in_transaction(database_url) as pid:
        assert chatai("db", "terminate", str(pid), "--yes", env=env).exit_code == 77
        assert chatai("db", "long", "--terminate", "--over", "0", "--yes", env=env).exit_code == 77
        assert [row["pid"] for row in chatai("db", "long", "--over", "0", "--json", env=env).json] == [pid]
        assert is_there(database, pid)


def test_what_does_not_go_away_is_75(chatai: Command, database_url: str, database: Database) -> None:
    deaf = "DO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$"
    with running(database_url, deaf) as pid:
        refused = chatai("db", "cancel", str(pid), "--yes", "--wait", "0.3")
        assert (refused.exit_code, refused.stdout) == (75, "")
        assert "still runs after 300 ms" in refused.stderr and f"chatai db terminate {pid}" in refused.stderr
        assert chatai("db", "terminate", str(pid), "--yes", "--now").exit_code == 0


def test_ending_all_that_lasts_asks_for_the_databases_name(
    chatai: Command, it: Process, database_url: str, database: Database, home: Path
) -> None:
    words = ("db", "long", "--terminate", "--over", "0")
    name = name_of(database_url)
    with (
        running(database_url, SLEEP) as one,
        idle_in_transaction(database_url) as two,
        idle_in_transaction(database_url, application="pg_dump") as dump,
    ):
        refused = chatai(*words, "--yes")
        assert refused.exit_code == 64 and f"--confirm {name}" in refused.stderr
        assert f"terminate {one} (postgres, shop)" in refused.stderr and f"{dump} (postgres, pg_dump)" in refused.stderr
        assert chatai(*words, "--confirm", "other").exit_code == 64
        assert "pg_terminate_backend" in chatai(*words, "--explain").stdout
        dry = chatai(*words, "--dry-run", "--json").json
        assert (dry["database"], len(dry["sessions"]), [left["pid"] for left in dry["left"]]) == (name, 2, [dump])
        assert [is_there(database, pid) for pid in (one, two, dump)] == [True] * 3
        assert audited(home) == []
        done = it.on_terminal(*words, typed=[f"{name}\n"], env={"DATABASE_URL": database_url})
        assert done.exit_code == 0 and done.stdout.count("terminated") >= 2, done
        assert [is_there(database, pid) for pid in (one, two, dump)] == [False, False, True]
    (line,) = audited(home)
    assert all(str(pid) in line for pid in (one, two)) and str(dump) not in line


@pytest.mark.parametrize("action", ["cancel", "terminate"])
def test_a_start_that_is_no_moment_is_told_where_it_is_shown(action: str, chatai: Command) -> None:
    refused = chatai("db", action, "1", "--started", "garbage", "--json")
    told = json.loads(refused.stderr)
    assert (refused.exit_code, told["hint"]) == (64, "chatai db activity --json")


def test_ending_one_that_lasts_is_agreed_to_with_yes_and_none_is_said(
    chatai: Command, database_url: str, database: Database
) -> None:
    words = ("db", "long", "--terminate", "--over", "0")
    with running(database_url, SLEEP) as pid:
        done: Any = chatai(*words, "--yes", "--json")
        assert [(row["pid"], row["outcome"]) for row in done.json] == [(pid, "terminated")]
        assert not is_there(database, pid)
    nothing = chatai("db", "long", "--terminate")
    assert (nothing.exit_code, nothing.stdout, nothing.stderr) == (0, "", "Nothing lasts so long.\n")
