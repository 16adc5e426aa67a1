"""Moments and durations as operators write them: 10m, 2h, yesterday, 2025-09-04 10:00, seconds since 1970."""

import re
from datetime import UTC, datetime, timedelta

from chatai_core.errors import Misused
from chatai_core.i18n import _

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO = re.compile(r"(?:\d+(?:\.\d+)?[smhdw])+")
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
_EPOCH = re.compile(r"\d{9,11}(\.\d+)?")
_DAYS = {"today": 0, "yesterday": 1}


def moment(text: str, *, now: datetime | None = None, hint: str = "--since 2h") -> datetime:
    """The moment that the text means, in UTC; without an offset it is local time. Raises Misused with this hint.

    >>> noon = datetime(2025, 9, 4, 12, tzinfo=UTC)
    >>> moment("1h30m", now=noon).isoformat(), moment("1756980000").isoformat()
    ('2025-09-04T10:30:00+00:00', '2025-09-04T10:00:00+00:00')
    >>> moment("2025-09-04T10:00+02:00").isoformat()
    '2025-09-04T08:00:00+00:00'
    """
    asked, now = text.strip().lower(), now or datetime.now(UTC)
    try:
        found = _relative(asked, now) or _absolute(asked)
    except (ValueError, OverflowError, OSError) as error:
        raise _not_a_moment(text, hint) from error
    return found.astimezone(UTC)


def duration(text: str) -> float:
    """The seconds that the text means; a number alone is seconds. Raises Misused.

    >>> duration("90s"), duration("5m"), duration("1h30m"), duration("0.5")
    (90.0, 300.0, 5400.0, 0.5)
    """
    asked = text.lower().replace(" ", "")
    if _AGO.fullmatch(asked) or _AGO.fullmatch(asked := f"{asked}s"):
        try:
            return timedelta(**_summed(_PART.findall(asked))).total_seconds()
        except OverflowError:
            pass  # longer than any server will live
    raise Misused(
        _("{text} is not a duration.").format(text=repr(text)),
        why=_("It can be 90s, 5m, 1h30m, 2d, or a number of seconds."),
        hint="--over 5m",
    )


def _relative(text: str, now: datetime) -> datetime | None:
    if text == "now":
        return now
    if text in _DAYS:
        midnight = now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        return (midnight - timedelta(days=_DAYS[text])).astimezone()
    ago = text.removesuffix("ago").replace(" ", "")
    if _AGO.fullmatch(ago):
        return now - timedelta(**_summed(_PART.findall(ago)))
    return None


def _summed(parts: list[tuple[str, str]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for number, unit in parts:
        total[_UNITS[unit]] = total.get(_UNITS[unit], 0) + float(number)
    return total


def _absolute(text: str) -> datetime:
    if _EPOCH.fullmatch(text):
        return datetime.fromtimestamp(float(text), UTC)
    if re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", text):
        text = f"{datetime.now().astimezone():%Y-%m-%d} {text.zfill(5) if len(text) < 6 else text.zfill(8)}"
    return datetime.fromisoformat(text.upper())


def _not_a_moment(text: str, hint: str) -> Misused:
    return Misused(
        _("{text} is not a moment in time.").format(text=repr(text)),
        why=_(
            "It can be 10m, 2h, 3d (ago), today, yesterday, 10:30, 2025-09-04, 2025-09-04 10:00 or seconds since 1970."
        ),
        hint=hint,
    )
