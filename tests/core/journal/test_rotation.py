import fcntl
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from chatai_core import journal
from chatai_core.journal.rotation import RotatedFile, next_midnight

WRITER = Path(__file__).with_name("writer.py")
RECORD = re.compile(
    r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} - writer\.(\w+) - (?:INFO|ERROR) - record (\w+)/(\d+) over$", re.MULTILINE
)
TRACEBACK = re.compile(r"Traceback \(most.*?\ntraceback \w+/(\d+) over$", re.MULTILINE | re.DOTALL)
NEVER = 1e9


def names(directory: Path) -> list[str]:
    return sorted(file.name for file in directory.iterdir())


def put_back(file: Path, moment: datetime) -> None:
    os.utime(file, (moment.timestamp(), moment.timestamp()))


def start(directory: Path, name: str, seconds: float, period: float = NEVER) -> "subprocess.Popen[str]":
    argv = [sys.executable, str(WRITER), str(directory), name, str(seconds), str(period)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)


def last_number(writer: "subprocess.Popen[str]") -> int:
    """How many records the writer says that it wrote."""
    return int(writer.communicate()[0].split()[-1])


def everything(directory: Path) -> str:
    return "".join(file.read_text("utf-8") for file in directory.iterdir() if file.name.startswith("api.log"))


def must_hold(text: str, written: dict[str, int]) -> None:
    """Every record of every writer once, each whole, and nothing else."""
    found = Counter((name, int(number)) for name, again, number in RECORD.findall(text) if name == again)
    assert found == Counter((name, number) for name, last in written.items() for number in range(1, last + 1))
    tracebacks = TRACEBACK.findall(text)
    assert len(tracebacks) == sum(last // 10 for last in written.values())
    lines_of_a_traceback = 3 + 60 + 1  # heading, file, source; the padding; the end
    # A process that opens the file during another's write may set an empty line before its first record.
    lines = [line for line in text.split("\n") if line]
    assert len(lines) == found.total() + lines_of_a_traceback * len(tracebacks)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Callable[..., RotatedFile]]:
    opened: list[RotatedFile] = []

    def make(keep: int = 7, **options: object) -> RotatedFile:
        opened.append(RotatedFile(tmp_path / "api.log", keep=keep, **options))  # type: ignore[arg-type]
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def test_the_day_ends_at_local_midnight(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        time.tzset()
        autumn = datetime(2025, 10, 26, 1, 30)  # a day of 25 hours
        assert next_midnight(autumn.timestamp()) == datetime(2025, 10, 27).timestamp()
        assert next_midnight(datetime(2025, 10, 27).timestamp()) == datetime(2025, 10, 28).timestamp()
    time.tzset()


def test_a_file_of_yesterday_is_put_aside_under_its_day(tmp_path: Path, file: Callable[..., RotatedFile]) -> None:
    yesterday = datetime.now() - timedelta(days=1)
    (tmp_path / "api.log").write_text("old\n")
    put_back(tmp_path / "api.log", yesterday)
    assert file().write(b"new\n")
    assert (tmp_path / "api.log").read_text() == "new\n"
    assert (tmp_path / f"api.log.{yesterday:%Y-%m-%d}").read_text() == "old\n"


def test_a_file_of_today_is_continued(tmp_path: Path, file: Callable[..., RotatedFile]) -> None:
    (tmp_path / "api.log").write_text("old\n")
    assert file().write(b"new\n")
    assert (tmp_path / "api.log").read_text() == "old\nnew\n"
    assert names(tmp_path) == ["api.log"]


@pytest.mark.parametrize("taken", ["", ".gz", ".zst"])
def test_a_file_that_was_put_aside_is_never_overwritten(
    tmp_path: Path, file: Callable[..., RotatedFile], taken: str
) -> None:
    yesterday = datetime.now() - timedelta(days=1)
    there = f"api.log.{yesterday:%Y-%m-%d}"
    (tmp_path / (there + taken)).write_text("first\n")
    (tmp_path / "api.log").write_text("second\n")
    put_back(tmp_path / "api.log", yesterday)
    assert file().write(b"new\n")
    assert names(tmp_path) == ["api.log", *sorted([there + taken, f"{there}.1"])]
    assert (tmp_path / (there + taken)).read_text() == "first\n"
    assert (tmp_path / f"{there}.1").read_text() == "second\n"


def test_seven_days_are_kept_and_foreign_files_are_left_alone(tmp_path: Path, file: Callable[..., RotatedFile]) -> None:
    today = datetime.now()
    days = [f"{today - timedelta(days=back):%Y-%m-%d}" for back in range(1, 12)]
    for day in days[1:]:
        (tmp_path / f"api.log.{day}").touch()
    foreign = ["api.log.1", "api.log.2.gz", "api.log.saved", "audit.log.2001-01-01", "xapi.log.2001-01-01"]
    for name in (f"api.log.{days[5]}.1", f"api.log.{days[8]}.gz", f"api.log.{days[9]}.1", *foreign):
        (tmp_path / name).touch()
    (tmp_path / "api.log").write_text("old\n")
    put_back(tmp_path / "api.log", today - timedelta(days=1))
    assert file().write(b"new\n")
    kept = [f"api.log.{day}" for day in days[:7]]
    assert names(tmp_path) == sorted(["api.log", *kept, f"api.log.{days[5]}.1", *foreign])


def test_an_empty_file_is_not_put_aside(tmp_path: Path, file: Callable[..., RotatedFile]) -> None:
    log = file(ends=lambda moment: moment + 0.01)
    log.write(b"")
    time.sleep(0.03)
    log.write(b"x\n")
    assert names(tmp_path) == ["api.log"]


def test_a_link_to_nowhere_is_complained_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], file: Callable[..., RotatedFile]
) -> None:
    (tmp_path / "api.log").symlink_to(tmp_path / "nowhere" / "api.log")
    assert not file().write(b"x\n")
    assert "api.log cannot be written" in capsys.readouterr().err


def test_nobody_waits_for_a_rotation_that_hangs(tmp_path: Path, file: Callable[..., RotatedFile]) -> None:
    yesterday = datetime.now() - timedelta(days=1)
    (tmp_path / "api.log").write_text("old\n")
    put_back(tmp_path / "api.log", yesterday)
    held = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    log = file()
    assert log.write(b"during\n")
    os.close(held)
    assert log.write(b"after\n")
    assert (tmp_path / f"api.log.{yesterday:%Y-%m-%d}").read_text() == "old\nduring\n"
    assert (tmp_path / "api.log").read_text() == "after\n"


def test_a_rotation_that_fails_is_complained_of_and_costs_no_line() -> None:
    """A file that this user may write stands in a directory that it may not."""
    program = """
import os, pathlib, sys
from chatai_core.journal.rotation import RotatedFile

if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
log = RotatedFile(pathlib.Path(sys.argv[1]), keep=7)
assert log.write(b"new\\n") and log.write(b"newer\\n")
"""
    with TemporaryDirectory() as directory:
        log = Path(directory) / "api.log"
        log.write_text("old\n")
        put_back(log, datetime.now() - timedelta(days=1))
        log.chmod(0o666)
        log.parent.chmod(0o555)
        argv = [sys.executable, "-c", program, str(log)]
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
        log.parent.chmod(0o755)
        assert log.read_text() == "old\nnew\nnewer\n"
        assert done.stderr == f"chatai: {log} cannot be rotated: Permission denied.\n"


def test_four_processes_over_twenty_rotations_lose_and_tear_nothing(tmp_path: Path) -> None:
    writers = {name: start(tmp_path, name, seconds=4, period=0.15) for name in ("a", "b", "c", "d")}
    written = {name: last_number(writer) for name, writer in writers.items()}
    aside = [name for name in names(tmp_path) if name != "api.log"]
    assert len(aside) >= 20
    must_hold(everything(tmp_path), written)


def test_each_file_keeps_the_order_of_each_process(tmp_path: Path) -> None:
    writers = [start(tmp_path, name, seconds=1, period=0.1) for name in ("a", "b")]
    for writer in writers:
        writer.communicate()
    for log in tmp_path.iterdir():
        for one in ("a", "b"):
            numbers = [int(number) for name, _, number in RECORD.findall(log.read_text()) if name == one]
            assert all(earlier < later for earlier, later in pairwise(numbers))


def test_a_file_that_logrotate_renames_is_made_again(tmp_path: Path) -> None:
    writer = start(tmp_path, "a", seconds=1.5)
    for number in range(1, 6):
        time.sleep(0.2)
        if (tmp_path / "api.log").exists():
            (tmp_path / "api.log").rename(tmp_path / f"api.log.{number}")
    written = last_number(writer)
    assert len(names(tmp_path)) >= 4
    must_hold(everything(tmp_path), {"a": written})


def test_a_file_that_logrotate_copies_and_cuts_is_continued_from_its_beginning(tmp_path: Path) -> None:
    writer = start(tmp_path, "a", seconds=1)
    while not (tmp_path / "api.log").exists() or (tmp_path / "api.log").stat().st_size < 10_000:
        time.sleep(0.01)
    os.kill(writer.pid, signal.SIGSTOP)
    shutil.copy(tmp_path / "api.log", tmp_path / "api.log.1")
    os.truncate(tmp_path / "api.log", 0)
    os.kill(writer.pid, signal.SIGCONT)
    written = last_number(writer)
    must_hold(everything(tmp_path), {"a": written})
    assert "\0" not in (tmp_path / "api.log").read_text()


def test_kill_9_costs_no_record_but_the_one_being_written(tmp_path: Path) -> None:
    survivor = start(tmp_path, "survivor", seconds=4, period=0.5)
    written = {}
    for number in range(8):
        victim = start(tmp_path, f"victim{number}", seconds=60, period=0.5)
        assert victim.stdout is not None
        for line in victim.stdout:
            if int(line) > 200:
                break
        victim.kill()
        rest = victim.communicate()[0].split("\n")
        written[f"victim{number}"] = int(rest[-2] if len(rest) > 1 else line)
    written["survivor"] = last_number(survivor)
    found = [(name, int(number)) for name, _, number in RECORD.findall(everything(tmp_path))]
    assert len(found) == len(set(found))
    for name, last in written.items():
        assert sorted(number for one, number in found if one == name)[:last] == list(range(1, last + 1))


def test_a_record_that_kill_9_cut_short_spoils_no_other(tmp_path: Path, file: Callable[..., RotatedFile]) -> None:
    """A process that does nothing but write is killed in the middle of one in three times."""
    writing = "import os, sys\nwhile True: os.write(1, b'begin' + b'x' * 9000 + b' end\\n')"
    log = file()
    for number in range(30):
        with (tmp_path / "api.log").open("ab") as stream:
            victim = subprocess.Popen([sys.executable, "-c", writing], stdout=stream)
        size = (tmp_path / "api.log").stat().st_size
        while (tmp_path / "api.log").stat().st_size == size:
            pass
        victim.kill()
        victim.wait()
        assert log.write(b"survivor %d\n" % number)
    text = (tmp_path / "api.log").read_text()
    assert re.findall(r"^survivor (\d+)$", text, re.MULTILINE) == [str(number) for number in range(30)]
    assert text.count("survivor") == 30


def test_threads_and_a_fork_in_between_lose_nothing(directory: Path) -> None:
    program = """
import logging, os, pathlib, sys, threading
from chatai_core import journal

def write(name):
    for number in range(1, 501):
        logging.getLogger(f"writer.{name}").info("record %s/%d over", name, number)

journal.open(pathlib.Path(sys.argv[1]), service="x", ends=lambda moment: moment + 0.02)
threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
[thread.start() for thread in threads]
children = []
for name in ("f0", "f1", "f2"):
    child = os.fork()
    if child == 0:
        write(name)
        os._exit(0)
    children.append(child)
[thread.join() for thread in threads]
assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
"""
    subprocess.run([sys.executable, "-c", program, directory], check=True, timeout=30)
    found = Counter((name, int(number)) for name, _, number in RECORD.findall(everything(directory)))
    writers = ("a", "b", "c", "d", "f0", "f1", "f2")
    assert found == Counter((name, number) for name in writers for number in range(1, 501))


def test_a_full_disk_is_complained_of_once_and_the_program_goes_on(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory.mkdir()
    (directory / "api.log").symlink_to("/dev/full")
    journal.open(directory, service="backend")
    for number in range(3):
        logging.getLogger("api").info("lost %d", number)
    complaint = f"chatai: {directory}/api.log cannot be written: No space left on device. Records lost so far: 1.\n"
    assert capsys.readouterr().err == complaint
    (directory / "api.log").unlink()
    logging.getLogger("api").info("there is space again")
    lines = [line.split(" - ", 1)[1] for line in (directory / "api.log").read_text().splitlines()]
    assert lines == [
        "api - INFO - there is space again",
        f"chatai_core.journal.opening - WARNING - 3 records could not be written to {directory}/api.log",
    ]


def test_a_record_cut_short_by_a_full_disk_spoils_no_other(tmp_path: Path) -> None:
    program = """
import pathlib, resource, sys
from chatai_core.journal.rotation import RotatedFile

log = RotatedFile(pathlib.Path(sys.argv[1]) / "api.log", keep=7)
resource.setrlimit(resource.RLIMIT_FSIZE, (10, resource.RLIM_INFINITY))
assert log.write(b"whole\\n")
assert not log.write(b"cut short\\n")
assert not log.write(b"lost\\n")
assert log.lost == 2
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert log.write(b"whole again\\n")
"""
    subprocess.run([sys.executable, "-c", program, tmp_path], check=True, capture_output=True)
    assert (tmp_path / "api.log").read_text() == "whole\ncut \nwhole again\n"


def test_what_another_process_left_unfinished_gets_its_newline(
    tmp_path: Path, file: Callable[..., RotatedFile]
) -> None:
    (tmp_path / "api.log").write_text("2025-09-04 10:1")
    assert file().write(b"whole\n")
    assert (tmp_path / "api.log").read_text() == "2025-09-04 10:1\nwhole\n"


def test_a_directory_that_vanished_is_made_again(directory: Path) -> None:
    journal.open(directory, service="backend")
    logging.getLogger("api").info("before")
    shutil.rmtree(directory)
    logging.getLogger("api").info("after")
    assert (directory / "api.log").read_text().endswith(" - api - INFO - after\n")


def test_a_directory_that_cannot_be_written_stops_no_thread(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], file: Callable[..., RotatedFile]
) -> None:
    log = file()
    log.write(b"before\n")
    (tmp_path / "api.log").unlink()
    (tmp_path / "api.log").mkdir()
    results: list[bool] = []
    threads = [threading.Thread(target=lambda: results.append(log.write(b"lost\n"))) for _ in range(4)]
    for thread in threads:
        thread.start()
        thread.join(5)
    assert results == [False] * 4
    assert capsys.readouterr().err.count("\n") == 1
    (tmp_path / "api.log").rmdir()
    assert log.write(b"after\n")
    assert log.lost == 4


def test_stderr_that_is_closed_as_well_stops_nobody(directory: Path) -> None:
    program = """
import logging, os, pathlib, sys
from chatai_core import journal

directory = pathlib.Path(sys.argv[1])
directory.mkdir()
(directory / "api.log").symlink_to("/dev/full")
journal.open(directory, service="backend", stderr=True)
os.close(2)
logging.getLogger("api").info("x")
print("alive")
"""
    done = subprocess.run([sys.executable, "-c", program, directory], capture_output=True, text=True, check=True)
    assert done.stdout == "alive\n"
