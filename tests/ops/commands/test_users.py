"""``chatai users``, as an operator types it."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest

from chatai_core.accounts import logins
from chatai_core.adapters.postgres import Database
from tests.servers.command import Command, Ended

PASSWORD = "correct horse 7"


def _add(chatai: Command, email: str, *options: str) -> Ended:
    return chatai("users", "add", email, "--password-stdin", *options, stdin=f"{PASSWORD}\n")


def test_an_added_user_can_log_in(chatai: Command, database: Database) -> None:
    added = _add(chatai, "Ann@Example.com", "--admin", "--json")

    assert (added.exit_code, added.stderr) == (0, "")
    assert added.json == {
        "id": added.json["id"],
        "email": "ann@example.com",
        "role": "admin",
        "status": "active",
        "is_email_confirmed": True,
        "first_name": None,
        "created_at": added.json["created_at"],
        "last_activity": None,
    }
    assert logins.log_in(database, "ann@example.com", PASSWORD).user.is_admin
    assert chatai("users", "list", "--json").json[0]["email"] == "ann@example.com"
    assert chatai("users", "show", "ANN@example.com", "--json").json["email"] == "ann@example.com"


def test_an_empty_list_says_so(chatai: Command, database_url: str) -> None:
    ended = chatai("users", "list")

    assert (ended.exit_code, ended.stdout) == (0, "")
    assert "There are no users." in ended.stderr
    assert chatai("users", "list", "--json").json == []


def test_a_user_who_is_there_is_not_added_again_and_no_password_is_asked(chatai: Command, database_url: str) -> None:
    _add(chatai, "ann@example.com")

    again = chatai("users", "add", "ANN@example.com")

    assert again.exit_code == 65
    assert again.stderr.splitlines()[0] == "Error: There is a user ann@example.com already."


def test_wrong_input_has_its_exit_codes(chatai: Command, database_url: str) -> None:
    assert chatai("users", "add", "broken").exit_code == 65
    assert chatai("users", "add", "bob@example.com").exit_code == 64  # nobody can be asked for the password
    weak = chatai("users", "add", "bob@example.com", "--password-stdin", stdin="short\n")
    assert weak.exit_code == 65
    assert "short" not in weak.stderr.replace("shortest", "")
    for command in ("show", "token", "password", "block", "unblock"):
        missing = chatai("users", command, "nobody@example.com")
        assert (missing.exit_code, missing.stdout) == (66, ""), command
        assert "There is no user nobody@example.com." in missing.stderr


def test_a_dry_run_changes_nothing_and_asks_nothing(chatai: Command, database: Database) -> None:
    assert chatai("users", "add", "bob@example.com", "--dry-run").exit_code == 0

    assert database.value("SELECT count(*) FROM users") == 0


def test_a_token_is_what_the_api_takes(chatai: Command, database_url: str) -> None:
    _add(chatai, "ann@example.com")
    before = datetime.now(UTC)

    token = chatai("users", "token", "ann@example.com", "--json", env={"SECRET_KEY": "s" * 40}).json

    assert set(token) == {"token", "expires_at"}
    claims = jwt.decode(token["token"], "s" * 40, algorithms=["HS256"])
    assert claims["email"] == "ann@example.com"
    left = datetime.fromisoformat(token["expires_at"]) - before
    assert timedelta(minutes=59) < left < timedelta(minutes=61)


def test_a_blocked_user_is_let_in_again(chatai: Command, database: Database) -> None:
    _add(chatai, "ann@example.com")

    assert chatai("users", "block", "ann@example.com", "--json").json["status"] == "blocked"
    with pytest.raises(logins.LoginRefused, match="may not log in"):
        logins.log_in(database, "ann@example.com", PASSWORD)
    assert chatai("users", "unblock", "ann@example.com", "--json").json["status"] == "active"


def test_a_password_is_replaced(chatai: Command, database: Database) -> None:
    _add(chatai, "ann@example.com")

    chatai("users", "password", "ann@example.com", "--password-stdin", stdin="battery staple 8\n")

    assert logins.log_in(database, "ann@example.com", "battery staple 8").user.email == "ann@example.com"


def test_changes_are_audited_without_passwords_and_tokens(chatai: Command, database_url: str) -> None:
    _add(chatai, "ann@example.com")
    token = chatai("users", "token", "ann@example.com", "--json").json["token"]
    _add(chatai, "ann@example.com")

    log = (Path(chatai.environment["CHATAI_LOG_DIR"]) / "audit.log").read_text()
    assert re.findall(r" \| (users_\w+ \| \w+) \| ", log) == ["users_add | success", "users_token | success"]
    assert PASSWORD not in log
    assert token not in log
    assert json.loads(log.splitlines()[0].split(" | ", 5)[5].rpartition(" | ")[0])["details"]["summary"]


def test_a_read_only_profile_changes_nothing(chatai: Command, database: Database) -> None:
    refused = chatai(
        "users", "add", "ann@example.com", "--password-stdin", stdin=PASSWORD, env={"CHATAI_READONLY": "true"}
    )

    assert refused.exit_code == 77
    assert database.value("SELECT count(*) FROM users") == 0


def test_without_tables_the_next_command_is_named(chatai: Command, empty_database_url: str) -> None:
    ended = chatai("users", "list")

    assert ended.exit_code == 78
    assert "chatai migrate upgrade" in ended.stderr
