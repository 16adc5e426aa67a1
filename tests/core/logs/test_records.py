import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from chatai_core.logs import records
from chatai_core.logs.records import Record

LINE = b"2025-09-04 10:15:00,123 - chatai_core.bots - ERROR - worker failed"

CHAIN = """Traceback (most recent call last):
  File "/srv/a.py", line 1, in f
    g()
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/srv/a.py", line 3, in h
    raise ValueError("two\\nlines")
ValueError: two
lines"""

GROUP = """  + Exception Group Traceback (most recent call last):
  |   File "/srv/a.py", line 1, in <module>
  |     raise ExceptionGroup("many", errors)
  | ExceptionGroup: many (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | ValueError: a
    +---------------- 2 ----------------
    | TypeError: b
    +------------------------------------"""


@pytest.fixture(autouse=True)
def kathmandu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A zone with an odd offset, so that a wrong conversion shows."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Kathmandu")
        time.tzset()
        yield
    time.tzset()


def only(text: bytes) -> Record:
    record = records.at(text, 0, "api.log")
    assert record is not None
    return record


def test_a_line_is_taken_apart() -> None:
    assert only(LINE + b"\n") == Record(
        time=datetime(2025, 9, 4, 4, 30, 0, 123000, UTC),
        level="ERROR",
        logger="chatai_core.bots",
        message="worker failed",
        traceback=None,
        file="api.log",
        line=None,
    )


@pytest.mark.parametrize("trace", [CHAIN, GROUP, "Stack (most recent call last):\n  File x"])
def test_a_traceback_belongs_to_its_record(trace: str) -> None:
    text = LINE + b"\n" + trace.encode() + b"\n" + LINE + b"\n"
    record = only(text)
    assert (record.message, record.traceback) == ("worker failed", trace)
    assert records.first(text) == len(LINE) + len(trace) + 2


def test_json_is_taken_apart() -> None:
    record = only(
        b'{"time":"2025-09-04T10:15:00.123+05:45","level":"ERROR","service":"x","logger":"api","message":"a\\nb",'
        b'"status":500,"traceback":"Traceback (most recent call last):\\nValueError: 1\\n2"}\n'
    )
    assert record.time == datetime(2025, 9, 4, 4, 30, 0, 123000, UTC)
    assert (record.level, record.logger, record.message) == ("ERROR", "api", r"a\nb")
    assert record.traceback == "Traceback (most recent call last):\nValueError: 1\n  2"


def test_a_message_of_several_lines_in_an_old_log_becomes_one() -> None:
    record = only(LINE + b"\nSELECT 1\n\nTraceback (most recent call last):\nValueError\n\n\n")
    assert record.message == r"worker failed\nSELECT 1"
    assert record.traceback == "Traceback (most recent call last):\nValueError"


def test_secrets_and_controls_of_an_old_log_are_not_shown() -> None:
    key = b"sk-proj-0123456789abcdefghijwxyz"
    record = only(LINE + b" \x1b[2J" + key + b"\nTraceback (most recent call last):\nValueError: \x00\x9b " + key)
    assert record.message == r"worker failed \x1b[2Jsk-" + "…wxyz"
    assert record.traceback == "Traceback (most recent call last):\nValueError: \\x00\ufffd sk-…wxyz"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LINE + b" \xff\xfe", "worker failed \ufffd\ufffd"),
        (LINE + b"\r\n", "worker failed"),
        (b"\0" * 100 + LINE, "worker failed"),
        (LINE.replace(b"chatai_core.bots", b"my old logger"), "worker failed"),
        (LINE.replace(b",123", b".123456"), "worker failed"),
        (LINE.replace(b"worker failed", b""), ""),
    ],
)
def test_an_odd_line_is_understood(text: bytes, message: str) -> None:
    assert only(text).message == message


@pytest.mark.parametrize(
    "text",
    [
        b"2025-13-04 10:15:00,123 - api - ERROR - no such month",
        b"0001-01-01 00:00:00,000 - api - ERROR - before time",
        b"2025-09-04 10:15:00.123 UTC [123] ERROR:  relation does not exist",
        b"2025-09-04 10:15:00,123 - api - ERR",
        b'{"time":"2025-09-04T10:15:00Z","level":"ERROR"',
        b'{"time":"yesterday","level":"ERROR","logger":"api","message":"x"}',
        b'{"time":"2025-09-04T10:15:00Z","level":"ERROR","logger":1,"message":"x"}',
        b"ERROR: not ours",
        b"",
    ],
)
def test_what_is_not_ours_is_not_guessed(text: bytes) -> None:
    assert records.at(text, 0, "api.log") is None


def test_another_programs_line_ends_the_record_before_it() -> None:
    record = only(LINE + b"\n2025-09-04 10:15:00.123 UTC [123] ERROR:  x\n")
    assert record.message == "worker failed"
