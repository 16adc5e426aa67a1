"""Where the answers go: a terminal without letters, a closed or full stdout, a reader that leaves."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from chatai_core.adapters.postgres import Database
from tests.servers.command import PROGRAM, Command, Ended
from tests.servers.databases import Databases

COMMANDS = ["tokens list", "users list --json", "config show", "db tables -o csv", "migrate history -o jsonl"]
ASCII = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.fixture(scope="module")
def filled(databases: Databases) -> Iterator[str]:
    """A database with keys whose names no ASCII terminal can show, and rows enough for any pipe."""
    with databases.migrated() as url, closing(Database(url)) as database:
        database.execute(
            "INSERT INTO ai_token_pool (name, token, token_fingerprint, token_hint, notes)"
            " SELECT 'Ключ №' || g, 'x', g, 'sk-…' || g, repeat('ё', 200) FROM generate_series(1, 400) g"
        )
        yield url


@pytest.fixture
def chatai(chatai: Command, filled: str) -> Command:
    """The command on that database."""
    return replace(chatai, environment={**chatai.environment, "DATABASE_URL": filled})


def shell(chatai: Command, line: str, env: Mapping[str, str] | None = None) -> Ended:
    """A line of the shell in which $C is the command; the exit code is the command's own."""
    done = subprocess.run(
        ["bash", "-c", f"{line}; exit ${{PIPESTATUS[0]}}"],
        env={**chatai.environment, "C": str(PROGRAM), **(env or {})},
        cwd=chatai.directory,
        capture_output=True,
        timeout=30,
        check=False,
    )
    return Ended(done.returncode, done.stdout.decode(errors="surrogateescape"), done.stderr.decode())


@pytest.mark.parametrize("encoding", [{}, {"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "latin-1"}])
def test_letters_that_the_terminal_does_not_know_are_no_crash(encoding: dict[str, str], chatai: Command) -> None:
    for form in ("table", "json", "jsonl", "csv"):
        ended = shell(chatai, f"$C tokens list -o {form}", {**ASCII, **encoding})
        assert (ended.exit_code, ended.stderr) == (0, ""), form
    listed = shell(chatai, "$C tokens list --json", {**ASCII, **encoding})
    assert {key["name"] for key in json.loads(listed.stdout)} == {f"Ключ №{number}" for number in range(1, 401)}


@pytest.mark.parametrize("line", COMMANDS)
def test_a_closed_stdout_is_an_answer_lost(line: str, chatai: Command) -> None:
    ended = shell(chatai, f"$C {line} >&-")
    assert ended.exit_code == 73
    assert "The output cannot be written." in ended.stderr and "Traceback" not in ended.stderr


@pytest.mark.parametrize("line", COMMANDS)
def test_a_full_disk_behind_stdout_is_an_answer_lost(line: str, chatai: Command) -> None:
    ended = shell(chatai, f"$C {line} >/dev/full")
    assert ended.exit_code == 73
    assert "No space left on device." in ended.stderr and "Traceback" not in ended.stderr


@pytest.mark.parametrize("line", ["tokens list --json", "tokens list -o jsonl", "tokens list", "--help"])
def test_a_reader_that_leaves_is_no_error(line: str, chatai: Command) -> None:
    ended = shell(chatai, f"$C {line} | head -1")
    assert ended.exit_code in {0, 141}
    assert ended.stdout.count("\n") == 1
    assert ended.stderr == ""


def test_a_change_is_made_although_nobody_hears_of_it(chatai: Command, filled: str) -> None:
    assert shell(chatai, "$C tokens disable 1 >&- 2>&- <&-").exit_code == 73
    with closing(Database(filled)) as database:
        assert database.value("SELECT is_active FROM ai_token_pool WHERE id = 1") is False
    assert shell(chatai, "$C db backup >/dev/full 2>/dev/full").exit_code == 73
    backups = Path(chatai.environment["CHATAI_HOME"]) / "backups"
    assert len([name for name in os.listdir(backups) if name.endswith(".dump.zst")]) == 1
