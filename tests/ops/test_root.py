"""The table of the groups, the help, and what the shell completes."""

import importlib
from pathlib import Path

import pytest

from chatai_ops.root import TABLE
from tests.ops.conftest import Process, without_colors

COMMANDS = Path(__file__).parents[2] / "chatai_ops" / "commands"


def test_the_table_names_every_module_and_no_other() -> None:
    assert {name for name, _sentence, _panel in TABLE} == {p.stem for p in COMMANDS.iterdir()} - {
        "__init__",
        "__pycache__",
    }


@pytest.mark.parametrize(("name", "sentence"), [(name, sentence) for name, sentence, _panel in TABLE])
def test_the_table_says_what_the_group_says(name: str, sentence: str) -> None:
    command = importlib.import_module(f"chatai_ops.commands.{name}").app.parsed()
    if hasattr(command, "commands"):
        assert command.help == sentence


def test_help_is_what_a_lone_chatai_shows(it: Process) -> None:
    alone, asked = it(), it("--help")
    assert (alone.exit_code, alone.stdout, alone.stderr) == (0, asked.stdout, "")
    assert "Examples:\n  chatai demo\n" in asked.stdout
    for name, sentence, _panel in TABLE:
        assert f"  {name}  " in asked.stdout
        assert sentence[:40] in asked.stdout


def test_help_is_drawn_in_panels_on_a_terminal(toys: Process) -> None:
    shown = without_colors(toys.on_terminal("list", "--help").stdout)
    assert "─ Examples ─" in shown
    assert "─ Everywhere ─" in shown
    assert "Toys in the box [all]." in shown
    assert "toys list [x]" in shown
    assert "Toys [for tests]." in without_colors(toys.on_terminal("--help").stdout)


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_help_without_colours(toys: Process, env: dict[str, str]) -> None:
    shown = toys.on_terminal("list", "--help", env=env).stdout
    assert "\x1b[3" not in shown
    assert "Examples" in shown


@pytest.mark.parametrize(
    ("line", "meant"), [("confg show", "chatai config show"), ("config sho --json", "chatai config show --json")]
)
def test_a_slip_is_answered_with_the_right_line(it: Process, line: str, meant: str) -> None:
    ended = it(*line.split())
    assert ended.exit_code == 64
    assert meant in ended.stderr


def test_what_is_near_nothing_is_sent_to_the_help(it: Process) -> None:
    assert it("xyzzy").stderr == "Error: There is no command chatai xyzzy.\n  chatai --help\n"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("chatai con", ["config"]),
        ("chatai config ", ["show", "check", "example"]),
        ("chatai config show --or", ["--origin"]),
        ("chatai config show -o j", ["json", "jsonl"]),
        ("chatai config check --output na", ["nagios"]),
        ("chatai init --dry", ["--dry-run"]),
    ],
)
def test_bash_completes(it: Process, line: str, expected: list[str]) -> None:
    """The script that typer installs, sourced by a real bash, asked as readline asks."""
    words = line.split(" ")
    script = f"""
        eval "$(_CHATAI_COMPLETE=source_bash {it.program[0]})"
        complete -p chatai >/dev/null || exit 9
        COMP_WORDS=({" ".join(words[:-1])} "{words[-1]}"); COMP_CWORD={len(words) - 1}
        _chatai_completion {it.program[0]}
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    ended = it.shell(script)
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert ended.stdout.split() == expected


def test_completion_can_be_installed(it: Process, tmp_path: Path) -> None:
    ended = it.shell("bash -c '$IT --install-completion; :'", env={"HOME": str(tmp_path)})
    assert "bash completion installed in" in ended.stdout
    assert "chatai" in (tmp_path / ".bashrc").read_text()
    assert "complete -o default -F _chatai_completion chatai" in it.shell("bash -c '$IT --show-completion; :'").stdout
