"""Numbers that know how they are shown: plain in JSON, with their unit in a table.

A field says its unit in its type (``size: Bytes``); ``shown`` finds the unit there.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from chatai_core.errors import Misused
from chatai_core.i18n import _

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:I?B)?", re.IGNORECASE)
_TOO_MUCH = 2.0**63  # for a bigint


@dataclass(frozen=True, slots=True)
class Unit:
    """How a number of this unit is written for people."""

    name: str
    show: Callable[[float], str]


def show_bytes(number: float) -> str:
    """Show a size with three significant digits, in powers of 1024.

    >>> show_bytes(0), show_bytes(1023), show_bytes(1536), show_bytes(123456789)
    ('0 B', '1023 B', '1.5 KiB', '118 MiB')
    """
    for suffix in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(number) < 1024 or suffix == "TiB":
            break
        number /= 1024
    return (
        f"{number:.0f} B" if suffix == "B" else f"{number:.3g} {suffix}" if number < 1000 else f"{number:.0f} {suffix}"
    )


def read_bytes(text: str) -> int:
    """The bytes that a size means, in powers of 1024 as they are shown. Raises Misused.

    >>> read_bytes("8192"), read_bytes("64kB"), read_bytes("1.5 MiB"), read_bytes("2G")
    (8192, 65536, 1572864, 2147483648)
    """
    found = _SIZE.fullmatch(text.strip())
    size = float(found[1]) * 1024 ** " KMGT".index(found[2].upper() or " ") if found else _TOO_MUCH
    if size >= _TOO_MUCH:
        raise Misused(_("{text} is not a size.").format(text=repr(text)), why=_("It can be 8192, 64kB, 10MB or 1.5GB."))
    return int(size)


def show_seconds(number: float) -> str:
    """Show a duration in its two largest units.

    >>> show_seconds(0.0042), show_seconds(2.5), show_seconds(75), show_seconds(7300), show_seconds(200000)
    ('4.2 ms', '2.5 s', '1 min 15 s', '2 h 1 min', '2 d 7 h')
    """
    if number < 1:
        return f"{number * 1000:.3g} ms"
    if number < 60:
        return f"{number:.3g} s"
    for size, large, small, small_size in ((3600, "min", "s", 60), (86400, "h", "min", 3600)):
        if number < size:
            return f"{int(number // small_size)} {large} {int(number % small_size // (small_size // 60))} {small}"
    return f"{int(number // 86400)} d {int(number % 86400 // 3600)} h"


def show_percent(number: float) -> str:
    """Show a share of 1 as a percentage.

    >>> show_percent(0.123), show_percent(1)
    ('12.3 %', '100 %')
    """
    return f"{round(number * 100, 1):g} %"


Bytes = Annotated[int, Unit("bytes", show_bytes)]
Seconds = Annotated[float, Unit("seconds", show_seconds)]
Milliseconds = Annotated[float, Unit("milliseconds", lambda number: f"{number:.4g} ms")]
Percent = Annotated[float, Unit("share", show_percent)]


class Detail:
    """Marks a field (``Annotated[str, Detail]``) that a table of many leaves out; JSON and one alone show it."""


def unit_of(annotation: Any) -> Unit | None:
    """The unit that a field's type carries, also inside ``… | None``; None when it has none."""
    return next((extra for extra in _extras(annotation) if isinstance(extra, Unit)), None)


def is_detail(annotation: Any) -> bool:
    """Whether a table of many leaves this field out."""
    return Detail in _extras(annotation)


def _extras(annotation: Any) -> list[Any]:
    candidates = (annotation, *getattr(annotation, "__args__", ()))
    return [extra for candidate in candidates for extra in getattr(candidate, "__metadata__", ())]
