"""The outermost edge: whatever happens ends in an exit code and a sentence, never in a traceback."""

import json
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chatai_core import __version__
from tests.ops.conftest import Process


def test_the_version(it: Process) -> None:
    assert it("--version").stdout == it("--color", "never", "--version").stdout == f"chatai {__version__}\n"


def test_the_module_is_the_command(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "chatai_ops", "config"], capture_output=True, env=environment, check=True
    )
    assert done.stdout.startswith(b"Usage: chatai config ")


def test_an_error_is_three_lines_on_stderr(toys: Process) -> None:
    ended = toys("fail", "Busy")
    assert (ended.exit_code, ended.stdout) == (75, "")
    assert ended.stderr == "Error: What happened.\nWhy it did.\n  chatai do this\n"


def test_an_error_under_json_is_one_object(toys: Process) -> None:
    for option in (["--json"], ["-o", "json"], ["-ojsonl"], ["--output=json"]):
        ended = toys("fail", "Misconfigured", *option)
        assert (ended.exit_code, ended.stdout) == (78, "")
        assert json.loads(ended.stderr) == {
            "error": "Misconfigured",
            "what": "What happened.",
            "why": "Why it did.",
            "hint": "chatai do this",
            "exit_code": 78,
        }


@pytest.mark.parametrize("option", [[], ["--json"]])
def test_a_mistake_on_the_command_line_is_64(it: Process, option: list[str]) -> None:
    ended = it("config", "show", "--orgin", *option)
    assert ended.exit_code == 64
    if option:
        error = json.loads(ended.stderr)
        assert (error["what"], error["why"]) == ("There is no option --orgin.", "Did you mean --origin?")
    else:
        assert ended.stderr.splitlines() == [
            "Error: There is no option --orgin.",
            "Did you mean --origin?",
            "  chatai config show --help",
        ]


def test_a_bug_is_a_sentence_and_a_file_without_secrets(toys: Process, home: Path) -> None:
    ended = toys("bug", "--word", "Grüße", env={"OPENAI_API_KEY": "very-own-key"})
    assert ended.exit_code == 70
    what, why, hint = ended.stderr.splitlines()
    assert what == "Error: ChatAI has met a bug of its own."
    assert why.startswith("KeyError: 'Grüße")
    report = Path(hint.removeprefix("  cat "))
    assert report.parent == home / "crashes"
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    text = report.read_text()
    assert "Traceback (most recent call last)" in text
    for secret in ("pw-of-mine", "sk-abcdefghijkl", "123456789:AAAAAAAA", "very-own-key"):
        assert secret not in text + ended.stderr


def test_a_configured_secret_never_reaches_the_report(toys: Process) -> None:
    ended = toys("bug", "--word", "my_favourite_word", env={"SECRET_KEY": "my_favourite_word"})
    assert "my_favourite_word" not in ended.stderr
    assert "my_favourite_word" not in Path(ended.stderr.split("cat ")[1].strip()).read_text()


def test_a_bug_without_a_home_is_kept_in_the_temporary_directory(toys: Process, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = toys("bug", "--json", env={"CHATAI_HOME": str(tmp_path / "file" / "home"), "TMPDIR": str(tmp_path)})
    error = json.loads(ended.stderr)
    assert (error["error"], error["exit_code"]) == ("Bug", 70)
    assert Path(error["hint"].removeprefix("cat ")).parent == tmp_path


def test_a_broken_env_does_not_hide_a_bug(toys: Process, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CHATAI_PORT=many\n")
    assert toys("bug", env={"TMPDIR": str(tmp_path)}).exit_code == 70


SIGNALS = [
    (signal.SIGINT, 130, "Interrupted.\n"),
    (signal.SIGTERM, 143, "Ended by SIGTERM.\n"),
    (signal.SIGHUP, 129, "Ended by SIGHUP.\n"),
]


@contextmanager
def waiting(toys: Process, *words: str, ignored: list[signal.Signals] | None = None) -> Iterator[subprocess.Popen[str]]:
    """A command that waits, until it does."""
    process = subprocess.Popen(
        [*toys.program, "wait", *words],
        stderr=subprocess.PIPE,
        env=toys.environment,
        text=True,
        preexec_fn=lambda: [signal.signal(number, signal.SIG_IGN) for number in ignored or ()],
    )
    with process:
        assert process.stderr is not None
        assert process.stderr.readline() == "waiting\n"
        yield process


@pytest.mark.parametrize(("number", "code", "said"), SIGNALS)
def test_the_wish_to_end_is_one_quiet_line(number: signal.Signals, code: int, said: str, toys: Process) -> None:
    with waiting(toys) as process:
        process.send_signal(number)
        _out, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (code, said)


def test_the_end_under_json_says_its_code(toys: Process) -> None:
    with waiting(toys, "--json") as process:
        process.send_signal(signal.SIGTERM)
        _out, err = process.communicate(timeout=10)
    assert json.loads(err) == {
        "error": "Interrupted", "what": "Ended by SIGTERM.", "why": None, "hint": None, "exit_code": 143,
    }  # fmt: skip


def test_what_nohup_ignores_stays_ignored(toys: Process) -> None:
    with waiting(toys, "--seconds", "0.5", ignored=[signal.SIGHUP]) as process:
        process.send_signal(signal.SIGHUP)
        _out, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (0, "")


def test_a_second_wish_does_not_disturb_the_cleaning(toys: Process) -> None:
    with waiting(toys, "--cleaning", "0.5") as process:
        process.send_signal(signal.SIGHUP)
        assert process.stderr is not None
        assert process.stderr.readline() == "cleaning\n"
        for number in (signal.SIGHUP, signal.SIGTERM):
            process.send_signal(number)
        _out, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (129, "clean\nEnded by SIGHUP.\n")


def test_programs_that_are_started_hear_the_signals(toys: Process) -> None:
    ended = toys("started")
    assert ended.json == {"SIGINT": True, "SIGTERM": True, "SIGHUP": True}


@pytest.mark.parametrize(("number", "code", "said"), SIGNALS[:2])
@pytest.mark.parametrize("module", ["typer", "chatai_ops.root", "chatai_ops.commands.config", "msgspec"])
def test_it_is_as_quiet_while_importing(
    module: str, number: signal.Signals, code: int, said: str, environment: dict[str, str], tmp_path: Path
) -> None:
    """The signal arrives in the middle of the import, each time at the same place."""
    program = f"""
import os, signal, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), {number:d})
sys.meta_path.insert(0, Finder())
sys.argv = ["chatai", "config", "show"]
from chatai_ops.main import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, env=environment, cwd=tmp_path, check=False, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (code, "", said)


def test_a_broken_pipe_is_silent(toys: Process) -> None:
    ended = toys.shell("$IT stream --count 100000 | head -1")
    assert (ended.exit_code, ended.stdout, ended.stderr) == (141, "line number 0\n", "")
    assert toys.shell("$IT --help | true").stderr == ""


@pytest.mark.parametrize("arguments", ["list", "--help", "list --json", "stream", "survey ok"])
def test_an_answer_that_cannot_be_written_is_an_error(toys: Process, arguments: str) -> None:
    full = toys.shell(f"$IT {arguments} >/dev/full")
    assert full.exit_code == 73
    assert "No space left on device." in full.stderr
    closed = toys.shell(f"$IT {arguments} >&-")
    assert closed.exit_code == 73
    assert "Traceback" not in closed.stderr


def test_the_version_into_a_full_disk(it: Process) -> None:
    assert it.shell("$IT --version >/dev/full").exit_code == 73
    assert it.shell("$IT --version >&-").exit_code == 73


def test_closed_streams_change_no_exit_code(toys: Process) -> None:
    assert toys.shell("$IT fail Busy 2>&-").exit_code == 75
    assert toys.shell("$IT fail Busy >&- 2>&- <&-").exit_code == 75
    assert toys.shell("$IT list <&-").exit_code == 0
    assert toys.shell("$IT secret --token-stdin <&-").exit_code == 64
    assert toys.shell("$IT fail Busy 2>/dev/full").exit_code == 75


@pytest.mark.parametrize("language", [{"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}])
def test_no_character_is_an_error(toys: Process, language: dict[str, str]) -> None:
    ended = toys("list", env=language)
    assert ended.exit_code == 0
    assert toys("list", "--json", env={**language, "PYTHONIOENCODING": "latin-1"}).json[1]["name"] == "мяч"
    assert toys("text", "мяч", "\udcff", env={"PYTHONIOENCODING": "ascii"}).exit_code == 0


def test_no_home_and_no_user_are_no_obstacle(it: Process) -> None:
    environment = {name: value for name, value in it.environment.items() if name not in {"HOME", "CHATAI_HOME"}}
    assert Process(it.program, environment, it.directory)("config", "show").exit_code == 0


def test_a_directory_that_is_gone(it: Process, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    ended = it.shell(f"cd {gone} && rmdir {gone} && $IT config show")
    assert "Traceback" not in ended.stderr
    assert ended.exit_code in {0, 66, 78}
