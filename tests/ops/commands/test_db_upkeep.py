"""`chatai db analyze|vacuum|reindex|log-slow`, run as an operator runs them."""

import json
import signal
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chatai_core.adapters.postgres import Database
from tests.core.database.busy import idle_in_transaction, until
from tests.faults.running import running
from tests.ops.conftest import Process, without_colors
from tests.servers.command import Command, Ended
from tests.servers.databases import Databases

NOBODY = {"DATABASE_URL": "postgresql://postgres@/chatai?host=/nowhere"}
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
OURS = "SELECT count(*) FROM pg_stat_activity WHERE application_name ~ '^chatai db' AND datname = current_database()"
OLD_SNAPSHOT = ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SELECT count(*) FROM pg_class")


def audited(home: Path) -> list[str]:
    """The lines of audit.log."""
    log = home / "logs" / "audit.log"
    return log.read_text("utf-8").splitlines() if log.exists() else []


def complained(ended: Ended) -> Any:
    """The error as a program reads it."""
    return json.loads(ended.stderr)


@pytest.fixture
def small(empty_database_url: str) -> Iterator[Database]:
    """Three small tables with an index each."""
    with closing(Database(empty_database_url)) as database:
        for name in ("aaa", "bbb", "ccc"):
            database.execute(f"CREATE TABLE {name} (a int PRIMARY KEY)")
            database.execute(f"INSERT INTO {name} SELECT generate_series(1, 100)")
        yield database


def names(database: Database) -> list[str]:
    return list(database.value("SELECT array_agg(relname::text ORDER BY 1) FROM pg_class WHERE relname ~ '_pkey'"))


def test_vacuum_tells_what_became_of_every_table_and_is_audited(small: Database, chatai: Command, home: Path) -> None:
    done = chatai("db", "vacuum", "bbb", "aaa", "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    assert list(done.json[0]) == [
        "schema", "table", "action", "outcome", "seconds", "before_bytes", "after_bytes", "dead_rows_removed", "reason",
    ]  # fmt: skip
    assert [(row["table"], row["outcome"]) for row in done.json] == [("aaa", "done"), ("bbb", "done")]
    [line] = audited(home)
    assert " | db_vacuum | success | " in line


def test_analyze_without_names_does_all(small: Database, chatai: Command) -> None:
    done = chatai("db", "analyze")
    assert done.exit_code == 0 and len(done.stdout.splitlines()) == 4
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert small.value("SELECT count(DISTINCT starelid) FROM pg_statistic WHERE starelid >= 16384") == 3


def test_what_fails_is_in_the_rows_and_in_the_exit_code(small: Database, chatai: Command, home: Path) -> None:
    with idle_in_transaction(small.url, "LOCK TABLE bbb"):
        busy = chatai("db", "vacuum", "--json", "--wait", "0.6")
    assert [row["outcome"] for row in busy.json] == ["done", "failed", "done"]
    error = complained(busy)
    assert (busy.exit_code, error["exit_code"], error["error"]) == (75, 75, "Busy")
    assert error["what"] == '1 of 3 could not be done: "public"."bbb".'
    assert "is in the way" in error["why"]
    assert " | db_vacuum | failed | " in audited(home)[0]


def test_what_is_not_permitted_is_in_the_rows_and_in_the_exit_code(
    small: Database, chatai: Command, databases: Databases
) -> None:
    role = f"r{uuid.uuid4().hex[:8]}"
    databases.execute("CREATE ROLE {} LOGIN", role)
    small.execute(f"ALTER TABLE aaa OWNER TO {role}")
    try:
        url = {"DATABASE_URL": small.url.replace("//postgres@", f"//{role}@")}
        some, none = chatai("db", "vacuum", env=url), chatai("db", "vacuum", "bbb", env=url)
        index = chatai("db", "reindex", "-y", "--json", env=url)
    finally:
        small.execute("ALTER TABLE aaa OWNER TO postgres")
        databases.execute("DROP ROLE {}", role)
    assert some.exit_code == 77 and len(some.stdout.splitlines()) == 4
    assert '2 of 3 could not be done: "public"."bbb", "public"."ccc".' in some.stderr
    assert "GRANT MAINTAIN" in some.stderr
    assert (none.exit_code, none.stdout) == (77, "")
    assert (index.exit_code, [row["outcome"] for row in index.json]) == (77, ["done", "failed", "failed"])


@pytest.mark.parametrize("words", ["vacuum", "analyze", "reindex -y", "log-slow 250", "log-slow"])
def test_a_server_that_does_not_answer_is_unavailable(words: str, chatai: Command) -> None:
    assert chatai("db", *words.split(), env=NOBODY).exit_code == 69


def test_slips_are_told(small: Database, chatai: Command, home: Path) -> None:
    for words, code in (
        ("vacuum nothing", 66), ("reindex nothing", 66), ("vacuum --full", 64), ("vacuum --wait -1", 64),
        ("reindex --maintenance-work-mem lots", 64), ("log-slow all", 64), ("reindex aaa", 64),
    ):  # fmt: skip
        ended = chatai("db", *words.split())
        assert (ended.exit_code, ended.stdout) == (code, ""), words
        assert "Traceback" not in ended.stderr and audited(home) == []


def test_a_read_only_profile_changes_nothing(small: Database, chatai: Command) -> None:
    for words in ("vacuum", "analyze", "reindex -y", "reindex --clean", "log-slow 250", "log-slow off"):
        assert chatai("db", *words.split(), env={"CHATAI_READONLY": "true"}).exit_code == 77, words


def test_dry_run_and_explain_only_show(small: Database, chatai: Command, home: Path) -> None:
    before = small.value("SELECT array_agg(oid) FROM pg_class")
    plan = chatai("db", "reindex", "aaa", "--dry-run", "--json").json
    assert plan["statements"] == ['REINDEX INDEX CONCURRENTLY "public"."aaa_pkey"']
    assert chatai("db", "reindex", "aaa", "--explain").stdout == 'REINDEX INDEX CONCURRENTLY "public"."aaa_pkey";\n'
    assert chatai("db", "vacuum", "aaa", "--freeze", "--explain").stdout == (
        'VACUUM (FREEZE, ANALYZE) "public"."aaa";\n'
    )
    assert "1. " in chatai("db", "analyze", "--dry-run").stdout
    assert chatai("db", "log-slow", "250", "--explain").stdout.startswith('ALTER ROLE "postgres" IN DATABASE ')
    assert "pg_settings" in chatai("db", "log-slow", "--explain").stdout
    assert small.value("SELECT array_agg(oid) FROM pg_class") == before
    assert audited(home) == []


def test_reindex_asks_first(small: Database, it: Process) -> None:
    url = {"DATABASE_URL": small.url}
    declined = it.on_terminal("db", "reindex", "aaa", typed=["n\n"], env=url)
    assert declined.exit_code == 130 and "ShareUpdateExclusiveLock" in declined.stdout
    agreed = it.on_terminal("db", "reindex", "aaa", typed=["y\n"], env=url)
    assert agreed.exit_code == 0 and "done" in agreed.stdout


def test_nothing_to_do_is_said(empty_database_url: str, chatai: Command) -> None:
    for words, said in (
        ("vacuum", "There is no table to vacuum."),
        ("reindex", "There is nothing to do."),
        ("reindex --clean", "There is nothing to do."),
    ):
        ended = chatai("db", *words.split())
        assert (ended.exit_code, ended.stdout, ended.stderr) == (0, "", f"{said}\n")


def test_ctrl_c_ends_a_rebuild_in_the_server_and_takes_its_copy_away(small: Database, chatai: Command) -> None:
    with idle_in_transaction(small.url, *OLD_SNAPSHOT), running(chatai, "db reindex --json -y") as command:
        until(lambda: "aaa_pkey_ccnew" in names(small))
        command.send(signal.SIGINT)
        ended = command.ended()
    assert ended.exit_code == 130
    assert [(row["outcome"], row["reason"][:11]) for row in ended.json] == [
        ("failed", "Interrupted"), ("skipped", "It was not "), ("skipped", "It was not "),
    ]  # fmt: skip
    assert complained(ended)["what"] == "Interrupted."
    assert names(small) == ["aaa_pkey", "bbb_pkey", "ccc_pkey"]
    assert small.value(OURS) == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_another_signal_ends_a_rebuild_as_ctrl_c_does(
    number: signal.Signals, code: int, small: Database, chatai: Command, home: Path
) -> None:
    with idle_in_transaction(small.url, *OLD_SNAPSHOT), running(chatai, "db reindex --json -y") as command:
        until(lambda: "aaa_pkey_ccnew" in names(small))
        command.send(number)
        ended = command.ended()
    said = f"Ended by {number.name}."
    assert (ended.exit_code, complained(ended)["what"]) == (code, said)
    assert [row["outcome"] for row in ended.json] == ["failed", "skipped", "skipped"]
    assert names(small) == ["aaa_pkey", "bbb_pkey", "ccc_pkey"]
    assert small.value(OURS) == 0
    [line] = audited(home)
    assert " | db_reindex | failed | " in line and said in line


def test_what_a_killed_rebuild_leaves_is_found_and_cleaned(small: Database, chatai: Command, home: Path) -> None:
    with idle_in_transaction(small.url, *OLD_SNAPSHOT), running(chatai, "db reindex aaa -y") as command:
        until(lambda: "aaa_pkey_ccnew" in names(small))
        command.send(signal.SIGKILL)
        command.ended()
        until(lambda: small.value(WAITING) == 0)  # the server notices it
    assert "aaa_pkey_ccnew" in names(small)
    assert "--clean" in chatai("db", "reindex", "--dry-run").stdout
    cleaned = chatai("db", "reindex", "--clean", "-y", "--json")
    assert (cleaned.exit_code, [row["index"] for row in cleaned.json]) == (0, ["aaa_pkey_ccnew"])
    assert names(small) == ["aaa_pkey", "bbb_pkey", "ccc_pkey"]


def test_ctrl_c_ends_a_vacuum_and_tells_what_was_done(small: Database, chatai: Command) -> None:
    with idle_in_transaction(small.url, "LOCK TABLE bbb"), running(chatai, "db vacuum --wait 60 --json") as command:
        until(lambda: small.value(WAITING))
        command.send(signal.SIGINT)
        ended = command.ended()
    assert (ended.exit_code, [row["outcome"] for row in ended.json]) == (130, ["done", "failed", "skipped"])


def test_progress_is_seen_on_a_terminal_alone(empty_database_url: str, it: Process) -> None:
    with closing(Database(empty_database_url)) as database:
        database.execute("CREATE TABLE t AS SELECT g AS a, 'filler'::char(500) AS b FROM generate_series(1, 1200) AS g")
        name = database.value("SELECT current_database()")
        for setting, value in {"vacuum_cost_delay": 20, "vacuum_cost_limit": 2}.items():
            database.execute(f'ALTER DATABASE "{name}" SET {setting} = {value}')
    url = {"DATABASE_URL": empty_database_url}
    seen = without_colors(it.on_terminal("db", "vacuum", env=url).stdout)
    assert "VACUUM public.t: " in seen and "%" in seen
    assert "heap" in seen or "ANALYZE public.t" in seen
    piped = it("db", "vacuum", env=url)
    assert (piped.exit_code, piped.stderr) == (0, "")


def test_log_slow_is_shown_set_and_restored(small: Database, chatai: Command, home: Path) -> None:
    name = small.value("SELECT current_database()")
    small.execute(f"ALTER ROLE postgres IN DATABASE \"{name}\" SET log_min_duration_statement = '777ms'")
    before = chatai("db", "log-slow", "--json", env={"CHATAI_READONLY": "true"})
    assert (before.exit_code, before.json["over_ms"], before.json["off_restores"]) == (0, 777, None)
    assert audited(home) == []
    on = chatai("db", "log-slow", "5")
    assert on.exit_code == 0 and "5 ms" in on.stdout and "fills the log" in on.stderr
    assert chatai("db", "log-slow", "--json").json["off_restores"] == "777ms"
    off = chatai("db", "log-slow", "off", "--json")
    assert (off.json["over_ms"], off.json["off_restores"]) == (777, None)
    again = chatai("db", "log-slow", "off")
    assert again.exit_code == 0 and "ChatAI did not set this value" in again.stderr
    assert small.value("SELECT count(*) FROM pg_db_role_setting AS s JOIN pg_database AS d ON d.oid = s.setdatabase"
                       " WHERE datname = current_database()") == 1  # fmt: skip
    assert [" | db_log_slow | success | " in line for line in audited(home)] == [True] * 3
