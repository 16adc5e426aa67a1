import json
import logging
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest

from chatai_core.journal.lines import JsonLines, TextLines, plain


def record(message: object, *args: object, name: str = "api.auth", level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord(name, level, "auth.py", 1, message, args, None)


def failed(error: BaseException) -> logging.LogRecord:
    try:
        raise error
    except BaseException:
        return logging.LogRecord("api", logging.ERROR, "api.py", 1, "failed", (), sys.exc_info())


@contextmanager
def zone(monkeypatch: pytest.MonkeyPatch, name: str) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", name)
        time.tzset()
        yield
    time.tzset()


def test_a_line_has_the_old_format() -> None:
    line = TextLines().format(record("Invalid password for user: %s", "a@b.c"))
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} - api\.auth - WARNING - Invalid password for user: a@b\.c", line
    )


def test_the_time_is_local_and_json_says_of_which_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    with zone(monkeypatch, "Asia/Kathmandu"):
        logged = record("x")
        logged.created, logged.msecs = 1_756_963_500.5, 500
        assert TextLines().format(logged).startswith("2025-09-04 11:10:00,500 - ")
        line = json.loads(JsonLines("backend").format(logged))
        assert line["time"] == "2025-09-04T11:10:00.500+05:45"
        assert datetime.fromisoformat(line["time"]).timestamp() == 1_756_963_500.5


def test_a_message_cannot_forge_a_record() -> None:
    forged = "no\n2025-09-04 10:15:00,123 - api.auth - ERROR - forged\r\x1b[2J"
    line = TextLines().format(record("%s", forged))
    assert "\n" not in line
    assert line.endswith(r"no\n2025-09-04 10:15:00,123 - api.auth - ERROR - forged\r\x1b[2J")


def test_the_message_of_an_exception_cannot_forge_a_record() -> None:
    forged = '2025-09-04 10:15:00,123 - api - ERROR - forged\n{"time":"2025-09-04T10:15:00Z","level":"ERROR"}'
    lines = TextLines().format(failed(ValueError(f"no\n{forged}\x00"))).split("\n")
    assert lines[1] == "Traceback (most recent call last):"
    assert [line for line in lines[1:] if line[:1] in "0123456789{"] == []
    assert lines[-1].endswith("\\x00")


def test_a_logger_with_blanks_stays_one_word() -> None:
    assert " - my_logger_x - WARNING - " in TextLines().format(record("x", name="my logger\nx"))


def test_a_message_whose_arguments_do_not_fit_is_not_lost() -> None:
    assert TextLines().format(record("%d users", "many")).endswith("%d users ('many',)")


def test_secrets_are_masked_in_arguments_and_tracebacks() -> None:
    key = "sk-proj-0123456789abcdefghijwxyz"
    for form in (TextLines(), JsonLines("backend")):
        assert key not in form.format(record("key %s", key))
        assert "sk-…wxyz" in form.format(record("key %s", key))
        assert key not in form.format(failed(ValueError(key)))


def test_an_error_that_was_never_raised_has_pythons_heading_too() -> None:
    logged = record("x")
    logged.exc_info = (ValueError, ValueError("boom"), None)
    assert TextLines().format(logged).split("\n")[1:] == ["Traceback (most recent call last):", "ValueError: boom"]


def test_json_is_one_object_a_line_with_the_further_fields() -> None:
    logged = failed(ValueError("two\nlines \u2028"))
    logged.fields = {"status": 500, "level": "not this", "password": "hunter2"}
    text = JsonLines("backend").format(logged)
    line = json.loads(text)
    assert len(text.splitlines()) == 1
    assert list(line) == ["time", "level", "service", "logger", "message", "traceback", "status", "password"]
    assert (line["level"], line["service"], line["status"], line["password"]) == ("ERROR", "backend", 500, "…")
    assert line["traceback"].endswith("ValueError: two\nlines \u2028")


def test_half_a_character_can_be_written() -> None:
    assert TextLines().format(record("a\udc80b")).endswith(r"a\udc80b")
    assert json.loads(JsonLines("backend").format(record("a\udc80b")))["message"] == r"a\udc80b"


def test_what_json_cannot_say_is_said_as_text() -> None:
    assert plain({"a": float("nan"), 1: {2}, "b": datetime(2025, 9, 4), "secret": None}) == {
        "a": "nan",
        "1": [2],
        "b": "2025-09-04 00:00:00",
        "secret": None,
    }
