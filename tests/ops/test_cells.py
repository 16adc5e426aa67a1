"""Values for people and for programs."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatai_core.settings import Secret
from chatai_core.units import Bytes, Milliseconds
from chatai_ops.cells import columns, harmless, one_line, plain, shown


class Color(Enum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Row:
    id: int
    name: str | None
    size: Bytes | None
    took: Milliseconds
    tags: list[int]


@pytest.mark.parametrize("nothing", [None, "", [], {}])
def test_nothing_is_a_dash(nothing: object) -> None:
    assert shown(nothing) == "-"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.5, "0.5"),
        (12.0, "12"),
        (True, "yes"),
        (False, "no"),
        ([1, None, "a"], "1, -, a"),
        ({"a": 1, "b": True}, "a=1, b=yes"),
        (Color.RED, "red"),
        (Path("/tmp/x"), "/tmp/x"),
        (Secret("hush"), "********"),
    ],
)
def test_values_for_people(value: object, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize(
    ("value", "json_value"),
    [
        (float("nan"), None),
        (float("inf"), None),
        (datetime(2025, 9, 4, 10, tzinfo=timezone(timedelta(hours=3))), "2025-09-04T10:00:00+03:00"),
        (date(2025, 9, 4), "2025-09-04"),
        (timedelta(minutes=1), 60.0),
        ({3, 1}, [1, 3]),
        ((1, 2), [1, 2]),
        (Color.RED, "red"),
        (Path("x"), "x"),
        (Secret("hush"), "********"),
        ({"a": Row(1, None, 2, 3.5, [])}, {"a": {"id": 1, "name": None, "size": 2, "took": 3.5, "tags": []}}),
    ],
)
def test_values_for_programs(value: object, json_value: object) -> None:
    assert plain(value) == json_value


def test_a_naive_time_gets_an_offset() -> None:
    assert datetime.fromisoformat(plain(datetime(2025, 9, 4))).tzinfo is not None


def test_columns_know_titles_units_and_sides() -> None:
    identity, name, size, took, tags = columns(Row)
    assert [c.title for c in (identity, name, size, took)] == ["ID", "Name", "Size", "Took"]
    assert [c.is_number for c in (identity, name, size, took, tags)] == [True, False, True, True, False]
    assert size.text(Row(1, "", 2048, 1.5, [])) == "2 KiB"
    assert took.text(Row(1, "", None, 1.5, [])) == "1.5 ms"


@given(st.text())
def test_no_text_can_command_a_terminal(text: str) -> None:
    safe = harmless(text)
    assert not any(c for c in safe if (ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160)
    assert len(one_line(safe).splitlines()) <= 1 or not set(safe) & set("\n\t\r")


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists))
def test_everything_is_valid_json(value: object) -> None:
    json.loads(json.dumps(plain(value), allow_nan=False))


def test_local_time_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime(2025, 9, 4, 10, tzinfo=UTC)
    assert shown(moment) == f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"
