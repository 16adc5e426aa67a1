"""What the wrapper adds to every command."""

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.ops.conftest import Process
from tests.ops.toys import BEAR, list_


def test_a_command_stays_a_plain_function() -> None:
    assert list_(None, limit=1) == [BEAR]


def test_json_is_bare_with_raw_values(toys: Process) -> None:
    bear, ball = toys("list", "--json").json
    assert bear == {
        "id": 1,
        "name": "bear",
        "size": 1536,
        "took": 2.5,
        "share": 0.25,
        "last_used": "2025-09-04T10:00:00+00:00",
        "is_active": True,
        "models": ["a", "b"],
        "token": "********",
    }
    assert ball["took"] is None
    assert ball["name"] == "мяч"


def test_o_json_is_json(toys: Process) -> None:
    assert toys("list", "-o", "json").stdout == toys("list", "--json").stdout


def test_jsonl_is_one_line_a_row(toys: Process) -> None:
    rows = [json.loads(line) for line in toys("list", "-o", "jsonl").stdout.splitlines()]
    assert [row["id"] for row in rows] == [1, 20]


def test_csv_of_no_row_has_its_header_too(toys: Process) -> None:
    head, *_rows = toys("list", "-o", "csv").stdout.splitlines()
    for name in ("none", "nowhere"):
        ended = toys(name, "-o", "csv")
        assert (ended.exit_code, ended.stdout, ended.stderr) == (0, f"{head}\n", "")


def test_csv_has_a_header(toys: Process) -> None:
    head, bear, ball = toys("list", "--output=csv").stdout.splitlines()
    assert head == "id,name,size,took,share,last_used,is_active,models,token"
    assert bear == '1,bear,1536,2.5,0.25,2025-09-04T10:00:00+00:00,true,"[""a"", ""b""]",********'
    assert ball.startswith("20,мяч,123456789,,1.0,,false,")


def test_two_formats_contradict_each_other(toys: Process) -> None:
    ended = toys("list", "--json", "-o", "csv")
    assert ended.exit_code == 64
    assert json.loads(ended.stderr)["what"] == "--json and -o csv contradict each other."


def test_an_empty_answer_is_said_on_stderr(toys: Process) -> None:
    ended = toys("none")
    assert (ended.exit_code, ended.stdout, ended.stderr) == (0, "", "There are no toys.\n")
    assert toys("none", "--json").stdout == "[]\n"


@pytest.mark.parametrize(
    ("statuses", "exit_code"), [("ok", 0), ("ok warning", 1), ("warning unknown", 3), ("unknown critical ok", 2)]
)
def test_the_worst_status_is_the_exit_code(toys: Process, statuses: str, exit_code: int) -> None:
    ended = toys("survey", *statuses.split())
    assert ended.exit_code == exit_code
    assert ended.stdout.count("chatai repair") == len(statuses.split())


def test_nagios_reads_one_line_and_three_for_every_error(toys: Process) -> None:
    ended = toys("survey", "ok", "warning", "-o", "nagios")
    assert ended.exit_code == 1
    assert ended.stdout.splitlines()[0] == "SURVEY WARNING: check 1: It is warning. | duration=0.100s"
    broken = toys("survey", "-o", "nagios")
    assert (broken.exit_code, broken.stderr) == (3, "")
    assert broken.stdout.startswith("UNKNOWN: STATUSES is missing.")


def test_prometheus_gets_a_gauge_for_each_check(toys: Process) -> None:
    assert (
        'chatai_check_status{command="survey",check="check 1"} 2'
        in toys("survey", "ok", "critical", "-o", "prom").stdout
    )


def test_a_list_is_no_check(toys: Process) -> None:
    assert toys("list", "-o", "nagios").exit_code == 3
    assert "It is one of table, json, jsonl, csv." in toys("list", "-o", "nagios").stdout


def test_dry_run_shows_the_plan_and_changes_nothing(toys: Process, tmp_path: Path) -> None:
    ended = toys("break", "bear", "--dry-run")
    assert (ended.exit_code, ended.stdout) == (0, "Break the bear.\n  1. Take it.\n  2. Break it.\n")
    assert toys("break", "bear", "--dry-run", "--json").json == {
        "summary": "Break the bear.",
        "steps": ["Take it.", "Break it."],
        "statements": [],
    }
    assert not (tmp_path / "broken").exists()


def test_a_change_that_does_not_ask_is_made(toys: Process, tmp_path: Path) -> None:
    assert toys("break", "bear", "--json").json["name"] == "bear"
    assert (tmp_path / "broken").exists()


def test_a_change_leaves_a_line_in_audit_log(toys: Process, home: Path) -> None:
    toys("break", "bear")
    [line] = (home / "logs" / "audit.log").read_text().splitlines()
    assert " | break | success | " in line
    assert "Break the bear." in line


def test_what_was_not_changed_is_not_audited(toys: Process, home: Path) -> None:
    toys("break", "bear", "--dry-run")
    toys("break", "ball")
    assert not (home / "logs" / "audit.log").exists()


def test_a_log_directory_that_cannot_be_made_stops_no_change(toys: Process, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = toys("break", "bear", env={"CHATAI_LOG_DIR": str(tmp_path / "file" / "logs")})
    assert ended.exit_code == 0
    assert "This change will not be in audit.log" in ended.stderr


def test_without_a_terminal_yes_is_needed(toys: Process, tmp_path: Path) -> None:
    ended = toys("break", "bear", "--asks")
    assert ended.exit_code == 64
    assert ended.stderr.splitlines()[-1] == "  --yes"
    assert not (tmp_path / "broken").exists()
    assert toys("break", "bear", "--asks", "-y").exit_code == 0


def test_names_are_checked_before_the_question(toys: Process) -> None:
    assert toys("break", "ball", "--asks").exit_code == 66


def test_a_severe_change_needs_the_name(toys: Process) -> None:
    assert toys("break", "bear", "--severe", "--yes").exit_code == 64
    assert toys("break", "bear", "--severe", "--confirm", "ball").exit_code == 64
    assert toys("break", "bear", "--severe", "--confirm", "bear").exit_code == 0


def test_a_read_only_profile_refuses_every_change(toys: Process, tmp_path: Path) -> None:
    (tmp_path / ".env.safe").write_text("CHATAI_READONLY=true\n")
    assert toys("break", "bear", "--profile", "safe").exit_code == 77
    assert toys("break", "bear", "--profile", "safe", "--dry-run").exit_code == 0
    assert toys("list", "--profile", "safe").exit_code == 0
    assert not (tmp_path / "broken").exists()


def test_a_profile_that_does_not_exist_is_refused(toys: Process) -> None:
    assert toys("settings", "--profile", "none").exit_code == 78


def test_a_broken_env_stops_only_who_reads_it(toys: Process, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CHATAI_PORT=many\n")
    assert toys("list").exit_code == 0
    assert toys("settings", "--help").exit_code == 0
    ended = toys("settings")
    assert ended.exit_code == 78
    assert ended.stderr.startswith("Error: CHATAI_PORT cannot be 'many'.\n")


def test_watch_asks_again_and_again(toys: Process, environment: dict[str, str]) -> None:
    process = subprocess.Popen(
        [*toys.program, "clock", "-w", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
    )
    assert process.stdout is not None
    first, empty, second = (process.stdout.readline() for _ in range(3))
    assert empty == "\n"
    assert float(second) > float(first) + 0.5  # no shorter pause is kept
    process.send_signal(signal.SIGINT)
    _out, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (130, "Interrupted.\n")


def test_watch_alone_means_two_seconds(toys: Process, environment: dict[str, str]) -> None:
    process = subprocess.Popen(
        [*toys.program, "clock", "--watch", "-o", "jsonl"], stdout=subprocess.PIPE, env=environment, text=True
    )
    assert process.stdout is not None
    first, second = float(json.loads(process.stdout.readline())), float(json.loads(process.stdout.readline()))
    process.terminate()
    process.communicate()
    assert 1.9 < second - first < 4


def test_rows_of_a_stream_are_written_as_they_come(toys: Process, environment: dict[str, str]) -> None:
    process = subprocess.Popen(
        [*toys.program, "stream", "--count", "2", "--pause", "3"], stdout=subprocess.PIPE, env=environment, text=True
    )
    assert process.stdout is not None
    begun = time.monotonic()
    assert process.stdout.readline() == "line number 0\n"
    process.kill()
    process.communicate()
    assert time.monotonic() - begun < 3


def test_a_stream_has_every_format(toys: Process) -> None:
    assert toys("stream", "--json").stdout == '{"number": 0}\n{"number": 1}\n{"number": 2}\n'
    assert toys("stream", "-o", "csv").stdout == "number\n0\n1\n2\n"
    assert toys("stream", "--count", "1", "--plain").stdout.startswith("1  bear  1.5 KiB  2.5 s")
