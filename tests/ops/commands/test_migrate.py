"""`chatai migrate`, run as an operator runs it."""

import json
from pathlib import Path

import pytest

from chatai_core import migrations
from chatai_core.adapters.postgres import Database
from chatai_core.migrations import scripts
from tests.servers.command import Command

HEAD = scripts.chain()[-1].revision
BEFORE = scripts.chain()[-1].down_revision
PRODUCTION = {"ENVIRONMENT": "production"}
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


@pytest.mark.parametrize("target", ["+1", "head", scripts.chain()[0].revision[:-1]])
def test_upgrade_takes_what_alembic_takes(target: str, chatai: Command, empty_database_url: str) -> None:
    assert chatai("migrate", "upgrade", target).exit_code == 0
    assert migrations.current(empty_database_url).revision == scripts.chain()[0].revision


def test_a_dry_run_changes_nothing(chatai: Command, empty_database_url: str, database: Database) -> None:
    shown = chatai("migrate", "upgrade", "--dry-run", "--json", env={"DATABASE_URL": empty_database_url})
    assert len(shown.json["steps"]) == len(scripts.chain())
    assert migrations.current(empty_database_url).revision is None


def test_one_step_down_is_typed_as_minus_one(chatai: Command, database_url: str) -> None:
    assert chatai("migrate", "downgrade", "-1", "--yes").exit_code == 0
    assert migrations.current(database_url).revision == BEFORE
    assert chatai("migrate", "upgrade", "+1").exit_code == 0
    assert migrations.current(database_url).is_head


def test_downgrade_is_refused_where_nobody_can_be_asked(chatai: Command, database_url: str) -> None:
    refused = chatai("migrate", "downgrade", "-1")
    assert (refused.exit_code, refused.stdout) == (64, "")
    assert "data of dropped tables is lost" in refused.stderr and "--yes" in refused.stderr
    assert migrations.current(database_url).is_head


def test_upgrade_asks_in_production_only(chatai: Command, empty_database_url: str) -> None:
    assert chatai("migrate", "upgrade", env=PRODUCTION).exit_code == 64
    assert migrations.current(empty_database_url).revision is None
    assert chatai("migrate", "upgrade", "--yes", env=PRODUCTION).exit_code == 0
    assert chatai("migrate", "upgrade", env=PRODUCTION).exit_code == 0  # there is nothing left to ask about


def test_a_read_only_profile_changes_nothing(chatai: Command, empty_database_url: str) -> None:
    assert chatai("migrate", "upgrade", env={"CHATAI_READONLY": "true"}).exit_code == 77
    assert migrations.current(empty_database_url).revision is None


@pytest.mark.parametrize("words", [("upgrade", "zzz"), ("downgrade", "zzz"), ("downgrade", "0001x", "--yes")])
def test_a_wrong_revision_is_told_before_anything_else(words: tuple[str, ...], chatai: Command) -> None:
    refused = chatai("migrate", *words, env=NOBODY)
    assert (refused.exit_code, refused.stdout) == (66, "")
    assert "chatai migrate history" in refused.stderr


@pytest.mark.parametrize(
    "words", [("current",), ("history",), ("check",), ("upgrade",), ("downgrade", "base", "--yes")]
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
