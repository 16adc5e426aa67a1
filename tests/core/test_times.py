"""Moments as operators write them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatai_core.errors import Misused
from chatai_core.times import duration, moment

NOW = datetime(2025, 9, 4, 12, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("now", timedelta()),
        ("30s", timedelta(seconds=30)),
        ("10m", timedelta(minutes=10)),
        ("2h", timedelta(hours=2)),
        ("1.5h", timedelta(minutes=90)),
        ("3d", timedelta(days=3)),
        ("1w", timedelta(weeks=1)),
        ("1h30m", timedelta(minutes=90)),
        ("1m1m", timedelta(minutes=2)),
        (" 10m ago ", timedelta(minutes=10)),
        ("2H", timedelta(hours=2)),
    ],
)
def test_so_long_ago(text: str, ago: timedelta) -> None:
    assert moment(text, now=NOW) == NOW - ago


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-09-04T10:00:00Z", datetime(2025, 9, 4, 10, tzinfo=UTC)),
        ("2025-09-04T10:00:00.5+03:00", datetime(2025, 9, 4, 7, 0, 0, 500000, tzinfo=UTC)),
        ("1756980000", datetime(2025, 9, 4, 10, tzinfo=UTC)),
        ("1756980000.25", datetime(2025, 9, 4, 10, 0, 0, 250000, tzinfo=UTC)),
    ],
)
def test_a_moment_with_its_offset(text: str, expected: datetime) -> None:
    assert moment(text) == expected


@pytest.mark.parametrize("text", ["2025-09-04 10:00", "2025-09-04T10:00", "2025-09-04 10:00:00", "20250904T1000"])
def test_without_an_offset_it_is_local_time(text: str) -> None:
    assert moment(text) == datetime(2025, 9, 4, 10).astimezone()


def test_a_date_is_its_midnight() -> None:
    assert moment("2025-09-04") == datetime(2025, 9, 4).astimezone()


def test_days_begin_at_local_midnight() -> None:
    today = NOW.astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    assert moment("today", now=NOW) == today
    assert moment("yesterday", now=NOW) == today - timedelta(days=1)


def test_a_time_of_day_is_today() -> None:
    today = datetime.now().astimezone().replace(hour=9, minute=5, second=0, microsecond=0)
    assert moment("9:05") == moment("09:05:00") == today


@pytest.mark.parametrize("text", ["", "soon", "10", "10x", "-1h", "2025-13-01", "25:00", "1e9", "9" * 30 + "d", "²m"])
def test_anything_else_is_refused_with_examples(text: str) -> None:
    with pytest.raises(Misused, match="is not a moment in time"):
        moment(text)


@given(st.text())
def test_no_text_is_a_bug(text: str) -> None:
    try:
        assert moment(text).tzinfo is UTC
    except Misused:
        pass


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("5m", 300), ("1h30m", 5400), (" 2 D ", 172800), ("1w", 604800), ("1.5m", 90), ("90", 90), ("0", 0)],
)
def test_a_duration(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "m", "-5m", "5x", "5ms", "m5", "yesterday", "nan", "1e3", "9" * 400 + "w", "5m ago"]
)
def test_what_is_no_duration_is_told(text: str) -> None:
    with pytest.raises(Misused, match="is not a duration"):
        duration(text)
