"""One value as a person reads it, and as a program reads it."""

import dataclasses
import math
import typing
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any

from chatai_core.i18n import _
from chatai_core.units import Unit, is_detail, unit_of

NOTHING = "-"
# C0 and C1 controls (a terminal obeys them) and the marks that turn the direction of text around.
_HARMFUL = {c: f"\\x{c:02x}" for c in (*range(9), *range(11, 32), *range(127, 160))}
_HARMFUL |= {c: f"\\u{c:04x}" for c in (0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))}
_ONE_LINE = {ord("\n"): "\\n", ord("\t"): " "}


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """A field of a result as a table shows it."""

    name: str
    title: str
    unit: Unit | None
    is_number: bool
    is_detail: bool = False

    def text(self, row: object) -> str:
        """This field of the row, for people."""
        return shown(getattr(row, self.name), self.unit)


def columns(kind: type[Any]) -> list[Column]:
    """The columns of a result's class, in the order of its fields."""
    hints = typing.get_type_hints(kind, include_extras=True)
    return [
        Column(
            field.name,
            _(heading(field.name)),
            unit_of(hints[field.name]),
            _is_number(hints[field.name]),
            is_detail(hints[field.name]),
        )
        for field in dataclasses.fields(kind)
    ]


def heading(name: str) -> str:
    """A field's name as the heading of its column, in English.

    >>> heading("last_used"), heading("id"), heading("p95_ms")
    ('Last used', 'ID', 'P95 ms')
    """
    words = name.replace("_", " ")
    return words.upper() if name in {"id", "pid", "ip", "url"} else words[:1].upper() + words[1:]


def shown(value: Any, unit: Unit | None = None) -> str:
    """The value for people: units, local time, yes and no, a dash for nothing, no control characters."""
    if value is None or value == "" or value == [] or value == {}:
        return NOTHING
    if unit is not None and isinstance(value, int | float):
        return unit.show(value)
    return harmless(_text(value))


def _text(value: Any) -> str:
    match value:
        case bool():
            return _("yes") if value else _("no")
        case datetime():
            return f"{value.astimezone():%Y-%m-%d %H:%M:%S}"
        case float():
            return f"{value:.3f}".rstrip("0").rstrip(".")
        case Enum():
            return str(value.value)
        case Mapping():
            return ", ".join(f"{key}={_text(item)}" for key, item in value.items())
        case str():
            return value
        case list() | tuple() | set() | frozenset():
            return ", ".join(_text(item) for item in value)
        case _ if dataclasses.is_dataclass(value) and type(value).__str__ is object.__str__:
            return _text(plain(value))
        case _:
            return NOTHING if value is None else str(value)


def harmless(text: str) -> str:
    """The text without what a terminal would obey; line ends and tabs stay.

    >>> harmless("a\\x1b[31mb")
    'a\\\\x1b[31mb'
    """
    return text if text.isprintable() else text.translate(_HARMFUL)


def one_line(text: str) -> str:
    """The text in a single line."""
    return text.translate(_ONE_LINE)


def plain(value: Any) -> Any:
    """The value as JSON has it: ISO 8601 with offset, null for nothing, raw numbers."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        items = [plain(item) for item in value]
        return sorted(items) if isinstance(value, set | frozenset) else items
    return _plain_atom(value)


def _plain_atom(value: Any) -> Any:
    match value:
        case Enum():
            return value.value
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case datetime():
            return (value if value.tzinfo else value.astimezone()).isoformat()
        case timedelta():
            return value.total_seconds()
        case _:
            return value.isoformat() if isinstance(value, date) else str(value)


def _is_number(hint: Any) -> bool:
    kinds = {hint, getattr(hint, "__origin__", None), *getattr(hint, "__args__", ())}
    kinds |= {getattr(kind, "__origin__", None) for kind in tuple(kinds)}
    return bool(kinds & {int, float}) and not kinds & {list, dict, tuple, str}
