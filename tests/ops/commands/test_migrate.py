"""`chatai migrate`, run as an operator runs it."""

import json
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from chatai_core import migrations
from chatai_core.adapters.postgres import Database
from chatai_core.migrations import scripts
from tests.core.migrations.test_change import holding
from tests.ops.conftest import Process
from tests.servers.command import PROGRAM, Command

HEAD = scripts.chain()[-1].revision
BEFORE = scripts.chain()[-1].down_revision
PRODUCTION = {"ENVIRONMENT": "production", "SECRET_KEY": "x" * 40}
NOBODY = {"DATABASE_URL": "postgresql://postgres@/chatai?host=/nowhere"}


def test_current_says_where_the_database_is(chatai: Command, database_url: str) -> None:
    assert chatai("migrate", "current", "--json").json == {"revision": HEAD, "head": HEAD, "is_head": True}


def test_current_of_a_database_without_tables(chatai: Command, empty_database_url: str) -> None:
    shown = chatai("migrate", "current", "--json")
    assert (shown.exit_code, shown.json) == (0, {"revision": None, "head": HEAD, "is_head": False})


def test_history_marks_where_the_database_is(chatai: Command, database_url: str) -> None:
    newest = chatai("migrate", "history", "--json").json[0]
    assert (newest["revision"], newest["is_current"]) == (HEAD, True)


def test_upgrade_brings_a_database_to_the_newest_revision(chatai: Command, empty_database_url: str) -> None:
    done = chatai("migrate", "upgrade", "--json")
    assert (done.exit_code, done.json["revision"], done.stderr) == (0, HEAD, "")
    assert migrations.current(empty_database_url).is_head


@pytest.mark.parametrize("target", ["+1", "head", "0001"])
def test_upgrade_takes_what_alembic_takes(target: str, chatai: Command, empty_database_url: str) -> None:
    assert chatai("migrate", "upgrade", target).exit_code == 0
    reached = HEAD if target == "head" else scripts.chain()[0].revision
    assert migrations.current(empty_database_url).revision == reached


def test_a_dry_run_changes_nothing(chatai: Command, empty_database_url: str, database: Database) -> None:
    shown = chatai("migrate", "upgrade", "--dry-run", "--json", env={"DATABASE_URL": empty_database_url})
    assert len(shown.json["steps"]) == len(scripts.chain())
    assert migrations.current(empty_database_url).revision is None


def test_one_step_down_is_typed_as_minus_one(chatai: Command, database_url: str) -> None:
    assert chatai("migrate", "downgrade", "-1", "--yes").exit_code == 0
    assert migrations.current(database_url).revision == BEFORE
    assert chatai("migrate", "upgrade", "+1").exit_code == 0
    assert migrations.current(database_url).is_head


def name_of(url: str) -> str:
    with closing(Database(url)) as database:
        return str(database.value("SELECT current_database()"))


def test_downgrade_is_refused_where_nobody_can_be_asked(chatai: Command, database_url: str) -> None:
    refused = chatai("migrate", "downgrade", "-1")
    assert (refused.exit_code, refused.stdout) == (64, "")
    assert "data of dropped tables is lost" in refused.stderr
    assert f"--confirm {name_of(database_url)} (or --yes)" in refused.stderr
    assert migrations.current(database_url).is_head


def test_downgrade_is_agreed_to_by_the_databases_name(chatai: Command, database_url: str) -> None:
    assert chatai("migrate", "downgrade", "-1", "--confirm", "another", "--yes").exit_code == 64
    assert migrations.current(database_url).is_head
    assert chatai("migrate", "downgrade", "-1", "--confirm", name_of(database_url)).exit_code == 0
    assert migrations.current(database_url).revision == BEFORE


@pytest.mark.parametrize(("typed", "exit_code"), [("NAME", 0), ("y", 130), ("", 130)])
def test_downgrade_asks_a_person_for_the_name(typed: str, exit_code: int, chatai: Command, database_url: str) -> None:
    name = name_of(database_url)
    terminal = Process([str(PROGRAM)], chatai.environment, chatai.directory)
    ended = terminal.on_terminal("migrate", "downgrade", "-1", typed=[typed.replace("NAME", name) + "\n"])
    assert ended.exit_code == exit_code
    assert f"Type {name} to go on: " in ended.stdout and "DROP INDEX" in ended.stdout
    assert migrations.current(database_url).is_head == (exit_code != 0)


def test_a_downgrade_to_where_the_database_is_asks_nothing(chatai: Command, database_url: str) -> None:
    assert chatai("migrate", "downgrade", HEAD, "--json").json["steps"] == []


def test_the_plan_says_what_is_run_and_whom_it_keeps_out(chatai: Command, database_url: str) -> None:
    migrations.downgrade(database_url, "-1")
    plan = chatai("migrate", "upgrade", "--dry-run", "--json", "--lock-timeout", "2", "--attempts", "7").json
    assert plan["statements"][0].startswith("CREATE INDEX idx_ai_token_usage_created ON ai_token_usage USING brin")
    (lock,) = plan["locks"]
    assert (lock["table"], lock["mode"], lock["is_large"]) == ("ai_token_usage", "SHARE", False)
    assert lock["size_bytes"] > 0
    assert (plan["lock_timeout_seconds"], plan["attempts"], plan["backup"]) == (2, 7, None)
    shown = chatai("migrate", "upgrade", "--dry-run").stdout
    assert "SHARE, nobody writes it until the end." in shown
    assert "A lock is waited for 3 s at most, then all is undone; it is tried 5 times." in shown
    assert "There is no verified backup of this database." in shown
    assert chatai("migrate", "upgrade", "--explain").stdout.splitlines() == [f"{one};" for one in plan["statements"]]


def test_a_table_in_use_is_75_and_names_who_uses_it(chatai: Command, database_url: str) -> None:
    migrations.downgrade(database_url, "-1")
    with holding(database_url, "INSERT INTO ai_token_usage (request_id, model_used) VALUES ('a', 'b')"):
        refused = chatai("migrate", "upgrade", "--lock-timeout", "0.3", "--attempts", "2")
    assert (refused.exit_code, refused.stdout) == (75, "")
    assert refused.stderr.startswith("Attempt 1 of 2: a lock was not to be had, all is undone. Process ")
    assert "Error: A table that the migration of" in refused.stderr and "is idle in transaction" in refused.stderr
    assert refused.stderr.rstrip().endswith("chatai db locks")


def test_upgrade_asks_in_production_only(chatai: Command, empty_database_url: str) -> None:
    assert chatai("migrate", "upgrade", env=PRODUCTION).exit_code == 64
    assert migrations.current(empty_database_url).revision is None
    assert chatai("migrate", "upgrade", "--yes", env=PRODUCTION).exit_code == 0
    assert chatai("migrate", "upgrade", env=PRODUCTION).exit_code == 0  # there is nothing left to ask about


def test_production_with_data_is_upgraded_with_a_backup_only(chatai: Command, database_url: str, home: Path) -> None:
    migrations.downgrade(database_url, "-1")
    refused = chatai("migrate", "upgrade", "--yes", env=PRODUCTION)
    assert (refused.exit_code, refused.stdout) == (77, "")
    assert "has no verified backup of the last 24 hours" in refused.stderr
    assert refused.stderr.rstrip().endswith("chatai db backup")
    assert chatai("migrate", "upgrade", "--dry-run", env=PRODUCTION).exit_code == 0
    assert chatai("migrate", "upgrade", env={**PRODUCTION, "CHATAI_READONLY": "true"}).exit_code == 77
    backup = chatai("db", "backup", "--json", env=PRODUCTION).json
    plan = chatai("migrate", "upgrade", "--dry-run", "--json", env=PRODUCTION).json
    assert plan["backup"] == backup["id"] and 0 <= plan["backup_age_seconds"] < 60
    too_old = chatai("migrate", "upgrade", "--yes", env={**PRODUCTION, "CHATAI_BACKUP_HOURS": "0.000001"})
    assert too_old.exit_code == 77 and f"The newest verified backup, {backup['id']}, is" in too_old.stderr
    assert chatai("migrate", "upgrade", env=PRODUCTION).exit_code == 64  # it asks all the same
    assert chatai("migrate", "upgrade", "--yes", env=PRODUCTION).exit_code == 0
    assert migrations.current(database_url).is_head


def test_no_backup_is_said_by_who_wants_none(chatai: Command, database_url: str) -> None:
    migrations.downgrade(database_url, "-1")
    assert chatai("migrate", "upgrade", "--yes", "--no-backup", env=PRODUCTION).exit_code == 0
    assert migrations.current(database_url).is_head


def test_stamp_writes_a_revision_down_and_changes_no_table(chatai: Command, database_url: str) -> None:
    assert chatai("migrate", "stamp", "0001").exit_code == 64
    plan = chatai("migrate", "stamp", "0001", "--dry-run", "--json").json
    assert plan["statements"] == [
        "DELETE FROM alembic_version",
        "INSERT INTO alembic_version (version_num) VALUES ('0001')",
    ]
    assert "no table is changed" in plan["summary"] and migrations.current(database_url).is_head
    assert chatai("migrate", "stamp", "0001", "--yes", "--json").json["revision"] == "0001"
    assert migrations.current(database_url).revision == "0001"
    refused = chatai("migrate", "upgrade")
    assert refused.exit_code == 78 and 'relation "idx_ai_token_usage_created" already exists' in refused.stderr
    assert chatai("migrate", "stamp", "+1", "--yes").exit_code == 0
    assert migrations.check(database_url).status == "ok"
    chatai("migrate", "stamp", "base", "--yes")
    assert migrations.history(database_url)[0].is_current is False


def test_stamp_repairs_a_revision_that_nobody_knows(chatai: Command, database: Database) -> None:
    database.execute("UPDATE alembic_version SET version_num = 'lost'")
    assert chatai("migrate", "upgrade").exit_code == 78
    assert chatai("migrate", "stamp", "head", "--yes").exit_code == 0
    assert chatai("migrate", "check").exit_code == 0


def test_sql_is_sql_and_nothing_else(chatai: Command, database_url: str) -> None:
    there = chatai("migrate", "sql")
    assert (there.exit_code, there.stdout) == (0, "") and "there is nothing to run" in there.stderr
    down = chatai("migrate", "sql", "-1")
    assert down.stdout.startswith("BEGIN;\nSET LOCAL lock_timeout = '3s';\n") and down.stdout.endswith("COMMIT;\n")
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(down.stdout)
    assert migrations.current(database_url).revision == BEFORE
    range_ = chatai("migrate", "sql", "base:head", env=NOBODY)
    assert range_.exit_code == 0 and "CREATE TABLE users" in range_.stdout


def test_a_read_only_profile_changes_nothing(chatai: Command, empty_database_url: str) -> None:
    assert chatai("migrate", "upgrade", env={"CHATAI_READONLY": "true"}).exit_code == 77
    assert migrations.current(empty_database_url).revision is None


@pytest.mark.parametrize(
    "words",
    [
        ("upgrade", "zzz"),
        ("downgrade", "zzz"),
        ("downgrade", "0001x", "--yes"),
        ("stamp", "zzz"),
        ("sql", "zzz"),
        ("sql", "zzz:head"),
    ],
)
def test_a_wrong_revision_is_told_before_anything_else(words: tuple[str, ...], chatai: Command) -> None:
    refused = chatai("migrate", *words, env=NOBODY)
    assert (refused.exit_code, refused.stdout) == (66, "")
    assert "chatai migrate history" in refused.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("current",),
        ("history",),
        ("check",),
        ("upgrade",),
        ("downgrade", "base", "--yes"),
        ("stamp", "head", "--yes"),
        ("sql",),
        ("revision", "-m", "x", "--autogenerate"),
    ],
)
def test_a_server_that_does_not_answer_is_69(words: tuple[str, ...], chatai: Command) -> None:
    refused = chatai("migrate", *words, env=NOBODY)
    assert (refused.exit_code, refused.stdout) == (69, "")
    assert "Traceback" not in refused.stderr


def test_check_is_0_at_the_newest_revision_and_2_below_it(chatai: Command, database_url: str) -> None:
    assert chatai("migrate", "check").exit_code == 0
    migrations.downgrade(database_url, "-1")
    shown = chatai("migrate", "check", "--json")
    assert (shown.exit_code, shown.json["status"]) == (2, "critical")
    assert shown.json["checks"][0]["remedy"] == "chatai migrate upgrade"


def test_a_change_is_one_line_of_the_audit_log(chatai: Command, home: Path, empty_database_url: str) -> None:
    chatai("migrate", "current")
    chatai("migrate", "upgrade", "--dry-run")
    assert not (home / "logs" / "audit.log").exists()
    chatai("migrate", "upgrade")
    (line,) = (home / "logs" / "audit.log").read_text("utf-8").splitlines()
    assert "success" in line and HEAD in json.dumps(line)
