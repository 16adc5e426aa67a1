"""chatai tokens, run as an operator runs it: on a real database, with the token from a file or standard input."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from chatai_core.adapters.postgres import Database
from tests.servers.command import Command, Ended

TOKEN = "sk-proj-abcdefghijklmnopqrstuvwxyz123456"
FIELDS = [
    "id",
    "name",
    "token",
    "models",
    "priority",
    "daily_usage",
    "daily_limit",
    "monthly_usage",
    "monthly_limit",
    "is_active",
    "state",
    "error_count",
    "last_used",
    "last_error",
]


def add(chatai: Command, name: str = "main", *options: str, token: str = TOKEN) -> dict[str, Any]:
    done = chatai("tokens", "add", name, "--token-stdin", "--json", *options, stdin=f"{token}\n")
    assert done.exit_code == 0, done.stderr
    key: dict[str, Any] = done.json
    return key


def audited(chatai: Command) -> list[str]:
    log = Path(chatai.environment["CHATAI_LOG_DIR"]) / "audit.log"
    return log.read_text().splitlines() if log.exists() else []


def fails(done: Ended, code: int, *words: str) -> None:
    assert (done.exit_code, done.stdout) == (code, "")
    for word in words:
        assert word in done.stderr
    assert TOKEN not in done.stderr


def test_an_added_key_is_listed_as_the_contract_says(chatai: Command, database_url: str) -> None:
    key = add(chatai, "main", "--models", "gpt-4o*,o3", "--daily-limit", "7", "--priority", "2")
    done = chatai("tokens", "list", "--json")
    assert done.json == [key]
    assert list(key)[: len(FIELDS)] == FIELDS
    assert (key["name"], key["token"], key["models"]) == ("main", "sk-…3456", ["gpt-4o*", "o3"])
    assert (key["daily_limit"], key["priority"], key["state"]) == (7, 2, "ready")
    assert TOKEN not in done.stdout + chatai("tokens", "list").stdout + chatai("tokens", "show", str(key["id"])).stdout


def test_a_key_is_read_from_a_file(chatai: Command, database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "main.key"
    file.write_text(TOKEN + "\n")
    done = chatai("tokens", "add", "main", "--token-file", file, "--base-url", "http://127.0.0.1:9/v1", "--json")
    assert (done.exit_code, done.json["base_url"]) == (0, "http://127.0.0.1:9/v1")
    assert TOKEN not in Path(f"/proc/{os.getpid()}/cmdline").read_text()


def test_an_empty_pool_says_how_to_fill_it(chatai: Command, database_url: str) -> None:
    done = chatai("tokens", "list")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "chatai tokens add NAME" in done.stderr
    assert chatai("tokens", "list", "--json").json == []


def test_what_is_wrong_with_a_new_key_is_said(chatai: Command, database_url: str, tmp_path: Path) -> None:
    def tried(*options: str | Path, stdin: str = TOKEN) -> Ended:
        return chatai("tokens", "add", "main", *options, stdin=stdin)

    fails(tried(), 64, "--token-stdin")
    fails(tried("--token-stdin", "--priority", "0"), 64, "priority")
    fails(tried("--token-stdin", "--daily-limit", "-1"), 64, "daily-limit")
    fails(tried("--token-stdin", "--daily-limit", "99999999999"), 64, "daily_limit", "2147483647")
    fails(tried("--token-stdin", "--models", " , "), 64, "at least one model")
    fails(tried("--token-stdin", "--base-url", "localhost"), 64, "base URL")
    fails(tried("--token-stdin", stdin="sk-short"), 65, "too short")
    fails(tried("--token-stdin", stdin="sk-with a blank inside"), 65, "no key")
    fails(tried("--token-file", tmp_path / "none"), 66, "no file")
    assert chatai("tokens", "list", "--json").json == []
    key = add(chatai)
    fails(tried("--token-stdin"), 65, "as main", f"chatai tokens show {key['id']}")


def test_an_unknown_key_is_exit_code_66(chatai: Command, database_url: str) -> None:
    for words in (["show"], ["update", "--priority", "2"], ["enable"], ["disable"], ["remove"], ["usage"]):
        fails(chatai("tokens", words[0], "77", *words[1:]), 66, "no key 77", "chatai tokens list")


def test_a_key_is_changed_disabled_enabled_and_removed(chatai: Command, database_url: str) -> None:
    id = str(add(chatai)["id"])
    changed = chatai("tokens", "update", id, "--name", "first", "--monthly-limit", "9", "--models", "o3", "--json").json
    assert (changed["name"], changed["monthly_limit"], changed["models"]) == ("first", 9, ["o3"])
    assert chatai("tokens", "disable", id, "--json").json["state"] == "disabled"
    assert chatai("tokens", "enable", id, "--json").json["state"] == "ready"
    fails(chatai("tokens", "update", id), 64, "Nothing was said")
    fails(chatai("tokens", "remove", id), 64, "Remove the key first", "--yes")
    assert chatai("tokens", "remove", id, "--yes", "--json").json["name"] == "first"
    assert chatai("tokens", "list", "--json").json == []


def test_every_change_is_one_line_in_the_audit_log(chatai: Command, database_url: str) -> None:
    id = str(add(chatai)["id"])
    chatai("tokens", "update", id, "--priority", "3")
    chatai("tokens", "add", "again", "--token-stdin", stdin=TOKEN)
    chatai("tokens", "remove", id, "--yes")
    chatai("tokens", "list")
    lines = audited(chatai)
    assert [line.split(" | ")[3:5] for line in lines] == [
        ["tokens_add", "success"],
        ["tokens_update", "success"],
        ["tokens_add", "failed"],
        ["tokens_remove", "success"],
    ]
    assert "Change the key main (1): priority=3." in lines[1]
    assert TOKEN not in "".join(lines)


def test_a_dry_run_changes_nothing(chatai: Command, database_url: str) -> None:
    id = str(add(chatai)["id"])
    before = chatai("tokens", "list", "--json").json
    assert "Remove the key main" in chatai("tokens", "remove", id, "--dry-run").stdout
    assert "Do not use the key main" in chatai("tokens", "disable", id, "--dry-run").stdout
    assert chatai("tokens", "list", "--json").json == before
    assert len(audited(chatai)) == 1


def test_usage_and_stats_show_what_the_ledger_holds(chatai: Command, database: Database) -> None:
    id = add(chatai)["id"]
    database.execute("UPDATE ai_token_pool SET current_daily_usage = 2, current_monthly_usage = 2")
    database.execute(
        "INSERT INTO ai_token_usage (request_id, token_id, model_used, total_tokens, response_time, success)"
        " VALUES ('a', %(id)s, 'm', 30, 1, true), ('b', %(id)s, 'm', 0, 2, false), ('c', NULL, 'm', 5, 3, true)",
        id=id,
    )
    (day,) = chatai("tokens", "usage", str(id), "--json").json
    assert day == {
        "date": str(database.value("SELECT now()::date")),
        "requests": 2,
        "tokens": 30,
        "avg_response_time": 1.5,
        "successful_requests": 1,
        "failed_requests": 1,
        "success_rate": 50.0,
    }
    assert chatai("tokens", "usage", "--json").json[0]["requests"] == 3
    (stats,) = chatai("tokens", "stats", "--json").json
    assert stats == {
        "name": "main",
        "daily_usage": 2,
        "daily_limit": 10000,
        "error_count": 0,
        "last_used": None,
        "total_requests": 2,
        "avg_response_time": 1.5,
    }


def test_a_database_without_tables_names_the_remedy(chatai: Command, empty_database_url: str) -> None:
    fails(chatai("tokens", "list"), 78, "chatai migrate upgrade")


def test_reading_the_pool_imports_nothing_heavy(chatai: Command, database_url: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "chatai_ops", "tokens", "list"],
        capture_output=True,
        text=True,
        env=chatai.environment,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in ran.stderr.splitlines()}
    assert "psycopg2" in imported
    assert imported & {"sqlalchemy", "cryptography", "openai", "asyncio", "rich", "redis", "httpx", "fastapi"} == set()


def test_the_table_leaves_details_out_and_one_key_alone_shows_them(chatai: Command, database_url: str) -> None:
    add(chatai)
    assert "Sealed with" not in chatai("tokens", "list").stdout
    assert "sealed_with" in chatai("tokens", "list", "--json").json[0]
    assert "Sealed with" in chatai("tokens", "show", "1").stdout
