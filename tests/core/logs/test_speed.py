"""A log of 460 MB: what an operator waits for, and what it costs in memory."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.proof

ERROR = b"2025-09-04 10:15:00,123 - bots - ERROR - worker failed\nTraceback (most recent call last):\nValueError\n"
ACCESS = (
    b"2025-09-04 10:15:00,123 - api.access - INFO - /api/dialogs/%d GET 200 user=17 ip=203.0.113.7"
    b" request_id=0123456789abcdef duration=52ms\n"
)
# Everything that a command does besides the terminal's share: start Python, import, ask.
PROGRAM = """
import time; began = time.perf_counter()
import pathlib, re, sys
from chatai_core import logs
found = logs.errors(pathlib.Path(sys.argv[1]))
seconds = time.perf_counter() - began
# getrusage would count what the tests' own process held before this one was executed
memory = re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]
print(len(found), found[-1].line if found else None, seconds, memory)
"""


def ask(directory: Path) -> tuple[int, str, float, int]:
    """How many records, the line of the last, the seconds (the best of five), the memory in MB."""
    runs = [
        subprocess.run([sys.executable, "-c", PROGRAM, directory], capture_output=True, text=True, check=True)
        for _ in range(5)
    ]
    count, line, _, memory = runs[0].stdout.split()
    return int(count), line, min(float(run.stdout.split()[2]) for run in runs), int(memory) // 1024


def test_the_last_twenty_errors_take_the_same_time_whatever_the_size(tmp_path: Path) -> None:
    some = b"".join(ACCESS % number for number in range(2000)) + ERROR
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "api.log").write_bytes(some * 30)
    (tmp_path / "large").mkdir()
    with (tmp_path / "large" / "api.log").open("wb") as log:
        for _ in range(460_000_000 // len(some)):
            log.write(some)
    small, large = ask(tmp_path / "small"), ask(tmp_path / "large")
    assert small[:2] == (20, str(30 * 2003 - 2))
    assert large[:2] == (20, "None")
    assert large[2] < 0.2
    assert large[2] < small[2] + 0.02
    assert large[3] < 100


def test_a_log_without_errors_is_searched_whole_in_a_second(tmp_path: Path) -> None:
    some = b"".join(ACCESS % number for number in range(2000))
    with (tmp_path / "api.log").open("wb") as log:
        for _ in range(460_000_000 // len(some)):
            log.write(some)
    count, _, seconds, memory = ask(tmp_path)
    assert (count, seconds < 1, memory < 100) == (0, True, True)


def test_a_hole_of_460_megabytes_is_not_held_in_memory(tmp_path: Path) -> None:
    with (tmp_path / "api.log").open("wb") as log:
        log.seek(460_000_000)
        log.write(b"\n" + ERROR)
    count, _, seconds, memory = ask(tmp_path)
    assert (count, seconds < 2, memory < 100) == (1, True, True)
