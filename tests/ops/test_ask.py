"""Questions to a person, asked on a real terminal."""

from pathlib import Path

import pytest

from tests.ops.conftest import Process


def test_the_plan_is_shown_and_yes_goes_on(toys: Process, tmp_path: Path) -> None:
    ended = toys.on_terminal("break", "bear", "--asks", typed=["y\n"])
    assert ended.exit_code == 0
    assert "Break the bear.\n  1. Take it.\n  2. Break it.\nGo on? [y/N] " in ended.stdout
    assert (tmp_path / "broken").exists()


@pytest.mark.parametrize("answer", ["\n", "n\n", "what?\n", "\x04"])
def test_everything_else_declines(toys: Process, tmp_path: Path, answer: str) -> None:
    ended = toys.on_terminal("break", "bear", "--asks", typed=[answer])
    assert ended.exit_code == 130
    assert "Nothing was changed" in ended.stdout
    assert not (tmp_path / "broken").exists()


def test_ctrl_c_at_the_question_changes_nothing(toys: Process, tmp_path: Path) -> None:
    ended = toys.on_terminal("break", "bear", "--asks", typed=["\x03"])
    assert ended.exit_code == 130
    assert ended.stdout.endswith("Interrupted.\n")
    assert not (tmp_path / "broken").exists()


def test_the_name_is_typed(toys: Process) -> None:
    assert toys.on_terminal("break", "bear", "--severe", typed=["bear\n"]).exit_code == 0
    assert toys.on_terminal("break", "bear", "--severe", typed=["y\n"]).exit_code == 130


def test_a_secret_is_not_shown_while_it_is_typed(toys: Process) -> None:
    ended = toys.on_terminal("secret", typed=["hush-hush\n"])
    assert (ended.exit_code, "hush" in ended.stdout) == (0, False)
    assert ended.stdout.splitlines() == ["Token: ", "9"]


def test_a_secret_may_be_asked_for_twice(toys: Process) -> None:
    assert toys.on_terminal("secret", "--repeat", typed=["one\n", "one\n"]).exit_code == 0
    assert toys.on_terminal("secret", "--repeat", typed=["one\n", "two\n"]).exit_code == 64


@pytest.mark.parametrize(
    ("given", "exit_code"),
    [
        (b"key\n", 0),
        (b"key\r\n", 0),
        (b"\xef\xbb\xbfkey", 0),
        (b"", 64),
        (b"\n", 64),
        (b"key\n\n", 65),
        (b"a\x1bb", 65),
        (b"\xff", 65),
        (b"x" * 70000, 65),
    ],
)
def test_a_secret_from_stdin_is_one_clean_line(toys: Process, given: bytes, exit_code: int) -> None:
    ended = toys("secret", "--token-stdin", stdin=given)
    assert ended.exit_code == exit_code
    if exit_code == 0:
        assert ended.stdout == "3\n"


def test_a_secret_from_a_file(toys: Process, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("12345\n")
    assert toys("secret", "--token-file", "key").stdout == "5\n"
    assert toys("secret", "--token-file", "none").exit_code == 66
    assert toys("secret", "--token-file", "key", "--token-stdin").exit_code == 64


def test_nobody_is_asked_for_a_secret_without_a_terminal(toys: Process) -> None:
    ended = toys("secret", stdin="key\n")
    assert ended.exit_code == 64
    assert "--token-stdin" in ended.stderr
