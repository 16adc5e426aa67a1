"""How many numbers are left in each sequence, and for how many days."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, Protocol

from chatai_core.adapters.postgres import Database, identifier, question
from chatai_core.database import relations, unlocked, visibility
from chatai_core.findings import Rows
from chatai_core.i18n import _
from chatai_core.units import Detail, Percent

_SHORTEST = timedelta(hours=1)  # from less, no day can be told


class Before(Protocol):
    """What the sequences said before: their last values by oid, and when."""

    @property
    def taken_at(self) -> datetime: ...

    @property
    def sequences(self) -> Mapping[int, int]: ...


@dataclass(frozen=True, slots=True)
class Sequence:
    """A sequence and the narrowest column that holds its numbers: its own, or one that refers to that.

    The limit is the column's type or the sequence's own end, whichever comes first; downwards for a negative increment.
    ``last_value`` is None when it was never used, and when it cannot be read (``state`` says which). One that
    ``cycles`` never runs out. ``per_day`` and ``days_left`` are None while too little is known of before.
    """

    schema: str
    sequence: str
    table: str | None
    column: str | None
    type: str
    last_value: int | None
    used_share: Percent | None
    days_left: float | None
    state: Literal["used", "unused", "hidden", "locked", "standby"]
    cycles: bool
    limit: Annotated[int, Detail]
    remaining: Annotated[int | None, Detail]
    per_day: Annotated[float | None, Detail]
    increment: Annotated[int, Detail]
    table_schema: Annotated[str | None, Detail]


def used(
    database: Database, before: Before | None = None, *, limit: int | None = None, schema: str | None = None
) -> Rows[Sequence]:
    """The sequences of a database (of one schema), the one most used up first; those that cycle last."""
    relations.must_have_schema(database, schema)
    grown = _Growth(before)
    rows = unlocked.rows(database, grown.sequence, question(__file__), schema=schema)
    return Rows(rows[:limit], _unread(database, rows))


class _Growth:
    """How fast the sequences have moved since before."""

    def __init__(self, before: Before | None) -> None:
        age = datetime.now(UTC) - before.taken_at if before else timedelta()
        self._days = age / timedelta(days=1)
        self._values = before.sequences if before and age >= _SHORTEST else {}

    def sequence(self, oid: int, last_value: int | None, remaining: int | None, **others: Any) -> Sequence:
        """The row with its speed and its end; one that was set back has neither."""
        first, increment = self._values.get(oid), others["increment"]
        moved = None if first is None or last_value is None else (last_value - first) / increment
        per_day = None if moved is None or moved < 0 else moved / self._days
        days = None if not per_day or remaining is None or others["cycles"] else remaining / per_day
        return Sequence(last_value=last_value, remaining=remaining, per_day=per_day, days_left=days, **others)


def _unread(database: Database, rows: Iterable[Sequence]) -> str | None:
    """Which sequences are not known, and what opens them."""
    hidden = sorted({row.schema for row in rows if row.state == "hidden"})
    locked = [identifier(row.schema, row.sequence) for row in rows if row.state == "locked"]
    said = []
    if hidden:
        role = visibility.look(database)
        grants = [role.grant(f"SELECT ON ALL SEQUENCES IN SCHEMA {identifier(schema)}") for schema in hidden]
        said.append(
            _("Sequences that {role} may not read: {grants}").format(
                role=role.role, grants=" ".join(f"{grant};" for grant in grants)
            )
        )
    if locked:
        said.append(_("Somebody is altering {sequences}: ask again.").format(sequences=", ".join(locked)))
    return " ".join(said) or None
