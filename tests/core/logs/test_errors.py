import gzip
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from chatai_core import journal, logs
from chatai_core.errors import BadData, NotFound
from chatai_core.journal.characters import neutralise, neutralise_lines
from chatai_core.journal.lines import shown

NOON = datetime(2025, 9, 4, 12, tzinfo=UTC)
TRACE = "Traceback (most recent call last):\n  File x\nValueError: an ERROR\n"


@pytest.fixture(autouse=True, scope="module")
def utc() -> Iterator[None]:
    import time

    before = os.environ.get("TZ")
    os.environ["TZ"] = "UTC"
    time.tzset()
    yield
    os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
    time.tzset()


def line(seconds: float, message: str, level: str = "ERROR") -> str:
    moment = NOON + timedelta(seconds=seconds)
    return f"{moment:%Y-%m-%d %H:%M:%S},{moment.microsecond // 1000:03d} - api - {level} - {message}\n"


def messages(found: list[logs.Record]) -> list[str]:
    return [record.message for record in found]


def test_the_last_twenty_come_oldest_first(tmp_path: Path) -> None:
    (tmp_path / "api.log").write_text("".join(line(n, f"error {n}") for n in range(100)))
    assert messages(logs.errors(tmp_path)) == [f"error {n}" for n in range(80, 100)]
    assert messages(logs.errors(tmp_path, limit=3)) == ["error 97", "error 98", "error 99"]
    assert len(logs.errors(tmp_path, limit=None)) == 100


def test_the_level_decides_and_not_the_words(tmp_path: Path) -> None:
    text = (
        line(0, "an ERROR of the user, CRITICAL even", "INFO") + line(1, "plain", "CRITICAL") + line(2, "x", "WARNING")
    )
    (tmp_path / "api.log").write_text(text + TRACE + line(3, "ERROR ERROR CRITICAL") + line(4, "y", "INFO") + TRACE)
    assert messages(logs.errors(tmp_path)) == ["plain", "ERROR ERROR CRITICAL"]


def test_line_numbers_and_files_are_those_of_an_editor(tmp_path: Path) -> None:
    text = line(0, "a") + TRACE + line(1, "x", "INFO") * 5000 + line(2, "b") + "\n" + line(3, "c")
    (tmp_path / "api.log").write_text(text)
    (tmp_path / "api.log.2025-09-03.gz").write_bytes(gzip.compress(text.encode()))
    found = logs.errors(tmp_path)
    assert [(Path(record.file).name, record.line) for record in found] == [
        *[("api.log.2025-09-03.gz", 1), ("api.log", 1)],
        *[("api.log.2025-09-03.gz", 5005), ("api.log", 5005)],
        *[("api.log.2025-09-03.gz", 5007), ("api.log", 5007)],
    ]


def test_older_files_are_read_only_as_far_as_needed(tmp_path: Path) -> None:
    (tmp_path / "api.log").write_text(line(10, "new"))
    (tmp_path / "api.log.2025-09-03").write_text(line(0, "older") + line(1, "old"))
    (tmp_path / "api.log.2025-09-02").write_bytes(zstandard.compress(line(-9, "oldest").encode()))
    assert messages(logs.errors(tmp_path)) == ["oldest", "older", "old", "new"]
    enough = logs.errors(tmp_path, limit=2)
    assert messages(enough) == ["old", "new"]
    assert [Path(name).name for name in enough.reading.files] == ["api.log", "api.log.2025-09-03"]


def test_named_files_are_merged_by_time(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(line(0, "1") + line(2, "3") + line(4, "5"))
    (tmp_path / "b").write_text(line(1, "2") + line(3, "4"))
    assert messages(logs.errors(tmp_path, files=[tmp_path / "a", tmp_path / "b"], limit=4)) == ["2", "3", "4", "5"]


def test_stdin_is_a_file_too(tmp_path: Path) -> None:
    program = "import pathlib; from chatai_core import logs; r = logs.errors(pathlib.Path(), files=[pathlib.Path('-')])"
    program += "; print(*[(x.file, x.line, x.message) for x in r], r.reading, sep='\\n')"
    text = (line(0, "x", "INFO") * 20_000 + line(1, "a") + TRACE).encode()
    for given_ in (text, gzip.compress(text)):
        done = subprocess.run([sys.executable, "-c", program], input=given_, capture_output=True, check=True)
        assert done.stdout.decode() == ("('stdin', 20001, 'a')\nRead 1 file, 801 KiB, 0 lines not understood.\n")


def test_a_window_of_time_is_kept(tmp_path: Path) -> None:
    (tmp_path / "api.log").write_text("".join(line(n, str(n)) for n in range(0, 100_000, 100)))
    since, until = NOON + timedelta(seconds=50_000), NOON + timedelta(seconds=50_300)
    assert messages(logs.errors(tmp_path, since=since, until=until)) == ["50000", "50100", "50200"]


def test_files_that_were_not_changed_since_are_not_opened(tmp_path: Path) -> None:
    (tmp_path / "api.log").write_text(line(0, "x"))
    old = tmp_path / "api.log.2025-09-01.gz"
    old.write_bytes(b"\x1f\x8bbroken")
    os.utime(old, (NOON.timestamp() - 86_400, NOON.timestamp() - 86_400))
    assert logs.errors(tmp_path, since=NOON).reading.files == [str(tmp_path / "api.log")]


def test_what_is_not_understood_is_counted(tmp_path: Path) -> None:
    text = "before\nthe first\n" + line(0, "a") + "2025-09-04 12:00:00.5 UTC [1] ERROR:  other\n" + line(1, "b")[:-1]
    (tmp_path / "api.log").write_text(text)
    found = logs.errors(tmp_path)
    assert messages(found) == ["a", "b"]
    assert found.reading == logs.Reading([str(tmp_path / "api.log")], len(text), 3, 3, [])
    assert str(found.reading) == "Read 1 file, 183 B, 3 lines not understood.".replace("183", str(len(text)))


@pytest.mark.parametrize("content", [b"", b"\0" * 600_000, b"\n\n"])
def test_an_empty_log_holds_no_error_and_nothing_strange(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "api.log").write_bytes(content)
    found = logs.errors(tmp_path)
    assert (found, found.reading.unparsed) == ([], 0)


def test_a_foreign_file_is_not_taken_for_health(tmp_path: Path) -> None:
    (tmp_path / "other.log").write_text("INFO: hello\n" * 50_000)
    assert logs.errors(tmp_path, files=[tmp_path / "other.log"]).reading.unparsed == 50_000


def test_odd_bytes_cost_no_record(tmp_path: Path) -> None:
    odd = line(0, "a").encode() + b"\xff\xfe\0\n" + b"\0" * 5000
    whole = line(1, "b \udcff").encode("utf-8", "surrogateescape")
    half = line(3, "half written").encode()[:-7]
    (tmp_path / "api.log").write_bytes(odd + whole + half)
    assert messages(logs.errors(tmp_path)) == ["a\\n\ufffd\ufffd\\x00", "b \ufffd", "half w"]


def test_a_damaged_file_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    (tmp_path / "api.log").write_text(line(0, "new"))
    packed = gzip.compress((line(-9, "old") + "".join(os.urandom(50).hex() + "\n" for _ in range(20_000))).encode())
    (tmp_path / "api.log.2025-09-03.gz").write_bytes(packed[: len(packed) // 2])
    found = logs.errors(tmp_path)
    assert [message[:3] for message in messages(found)] == ["old", "new"]
    assert [Path(skipped.file).name for skipped in found.reading.skipped] == ["api.log.2025-09-03.gz"]
    assert "api.log.2025-09-03.gz was read in part: " in str(found.reading)


def test_nothing_but_damage_is_bad_data(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(b"\x1f\x8b\x08broken")
    with pytest.raises(BadData, match="is damaged"):
        logs.errors(tmp_path, files=[tmp_path / "a.gz"])


def test_no_log_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        logs.errors(tmp_path)
    with pytest.raises(NotFound):
        logs.errors(tmp_path, files=[tmp_path / "nothing"])


def test_a_log_of_another_user_is_not_permitted() -> None:
    program = """
import os, pathlib, sys
from chatai_core import logs
from chatai_core.errors import NotPermitted
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    logs.errors(pathlib.Path(sys.argv[1]))
except NotPermitted as error:
    print(error.what, error.why, error.hint)
"""
    with TemporaryDirectory() as directory:
        log = Path(directory) / "api.log"
        log.write_text(line(0, "x"))
        for path in (log, log.parent):
            log.parent.chmod(0o755)
            path.chmod(0)
            done = subprocess.run(
                [sys.executable, "-c", program, directory], capture_output=True, text=True, check=True
            )
            path.chmod(0o755)
            assert done.stdout == f"{log} cannot be read. Permission denied. sudo chatai logs errors\n"


def test_chains_and_groups_stay_whole(tmp_path: Path) -> None:
    journal.open(tmp_path, service="backend")
    try:
        try:
            raise KeyError("x")
        except KeyError as cause:
            raise ExceptionGroup("many", [ValueError("a"), TypeError("b")]) from cause
    except ExceptionGroup as group:
        logging.getLogger("api").exception("failed")
        expected = shown(group)
    logging.getLogger("api").info("next")
    journal.close()
    [record] = logs.errors(tmp_path)
    assert (record.message, record.traceback) == ("failed", expected)
    assert "direct cause" in expected
    assert "sub-exceptions" in expected


@contextmanager
def nobody_else_listening() -> Iterator[None]:
    """pytest's own capture cannot send halves of characters from one process to another."""
    others = logging.root.handlers[:]
    logging.root.handlers.clear()
    try:
        yield
    finally:
        journal.close()
        logging.root.handlers[:] = others


texts = st.text(st.characters(), max_size=60)


@settings(max_examples=150, deadline=None)
@given(
    entries=st.lists(st.tuples(texts, st.none() | texts), min_size=1, max_size=8),
    form=st.sampled_from(["text", "json"]),
)
def test_what_the_journal_writes_is_read_back(
    entries: list[tuple[str, str | None]], form: Literal["text", "json"]
) -> None:
    expected = []
    with TemporaryDirectory() as directory, nobody_else_listening():
        journal.open(Path(directory), service="backend", format=form)
        for message, error in entries:
            failure = None if error is None else ValueError(error)
            logging.getLogger("api. x").error("%s", message, exc_info=failure)
            trace = None if failure is None else neutralise_lines(journal.redact(shown(failure)).rstrip("\n"))
            expected.append((neutralise(journal.redact(message)), trace))
        found = logs.errors(Path(directory), limit=None)
    assert [(record.message, record.traceback) for record in found] == expected
    assert {(record.level, record.logger) for record in found} == {("ERROR", "api._x")}
    assert found.reading.unparsed == 0


def test_a_forged_record_is_none(tmp_path: Path) -> None:
    forged = line(0, "forged") + '{"time":"2025-09-04T12:00:00Z","level":"ERROR","logger":"api","message":"forged"}\n'
    journal.open(tmp_path, service="backend")
    logging.getLogger(f"api\n{forged}").error("no\n%s", forged, exc_info=ValueError(f"no\n{forged}"), stack_info=True)
    journal.access(f"/\n{forged}", f"GET\n{forged}", 500, f"1\n{forged}", f"::1\n{forged}", f"x\n{forged}", 1)
    journal.audit(f"x\n{forged}", f"error\n{forged}", ip=f"\n{forged}", error=ValueError(f"no\n{forged}"))
    journal.close()
    found = logs.errors(tmp_path)
    assert len(found) == 3
    assert not any(record.message.startswith("forged") for record in found)
    assert len((tmp_path / "audit.log").read_text().splitlines()) == 1
