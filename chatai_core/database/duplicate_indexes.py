"""Indexes that find nothing which another one of the same table does not find as well."""

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, Literal

from chatai_core.adapters.postgres import Database, question
from chatai_core.database import definitions, indexes, relations, unlocked
from chatai_core.database.indexes import Index
from chatai_core.findings import Rows
from chatai_core.i18n import _
from chatai_core.units import Bytes, Detail

Kind = Literal["identical", "prefix"]

# What they may be told in WITH changes how they store, not what they find.
_STORING = {"btree", "hash"}
_MUCH = 1.1  # times as large, from which on a scan of the larger one costs more


@dataclass(frozen=True, slots=True)
class DuplicateIndex:
    """The index that can go, and the one that does its work: the same one, or one that begins with it (prefix)."""

    schema: str
    table: str
    index: str
    covered_by: str
    kind: Kind
    size_bytes: Bytes | None
    reason: str
    drop_sql: Annotated[str | None, Detail]
    undo_sql: Annotated[str | None, Detail]
    scans: Annotated[int, Detail]


@dataclass(frozen=True)
class Keys:
    """By what an index finds rows; ``attributes`` and the like are PostgreSQL's vectors: numbers with blanks between.

    ``is_held``: a constraint, replica identity or CLUSTER needs it; ``is_part``: a partitioned index does.
    """

    oid: int
    table_oid: int
    index: str
    name: str
    method: str
    key_columns: int
    attributes: str
    classes: str
    collations: str
    orders: str
    is_unreadable: bool
    expressions: list[str] | None
    predicate: str | None
    options: list[str] | None
    is_unique: bool
    is_immediate: bool
    nulls_not_distinct: bool
    is_held: bool
    is_part: bool

    @functools.cached_property
    def columns(self) -> list[tuple[str, ...]]:
        """Each key column with its operator class, its collation and its order."""
        expressions = iter(self.expressions or ())
        names = [next(expressions) if number == "0" else number for number in self.attributes.split()]
        vectors = (self.classes.split(), self.collations.split(), self.orders.split())
        return list(zip(names[: self.key_columns], *vectors, strict=True))

    @property
    def included(self) -> set[str]:
        """The columns that it only carries."""
        return set(self.attributes.split()[self.key_columns :])

    @property
    def carried(self) -> set[str]:
        """All columns that can be read from it."""
        return set(self.attributes.split()) - {"0"}

    @property
    def enforced(self) -> tuple[bool, ...]:
        """What it keeps unique, and when; nothing when it is not unique."""
        return (self.is_immediate, self.nulls_not_distinct) if self.is_unique else ()


def found(
    database: Database,
    *,
    limit: int | None = None,
    schema: str | None = None,
    names: Sequence[str] = (),
    least_bytes: int = 0,
) -> Rows[DuplicateIndex]:
    """The indexes that can go because another one covers them, the largest first."""
    relations.must_have_schema(database, schema)
    tables = relations.named(database, names)
    keys = unlocked.rows(database, Keys, question(__file__), schema=schema, tables=tables)
    by_table = [list(of_table) for _table, of_table in groupby(keys, key=lambda index: index.table_oid)]
    pairs = [pair for of_table in by_table for pair in covered(of_table)]
    can_go = [(one, other, kind) for one, other, kind in pairs if not one.is_held]
    concerned = {index.oid for one, other, _kind in can_go for index in (one, other)}
    measured = {index.oid: index for index in indexes.measured(database, indexes=sorted(concerned))}
    known = definitions.of(database, [one.oid for one, _other, _kind in can_go])
    rows = [
        _row(measured[one.oid], other, kind, _times(measured.get(other.oid), measured[one.oid]), known.get(one.oid))
        for one, other, kind in can_go
        if one.oid in measured
    ]
    large = [row for row in rows if row.size_bytes is None or row.size_bytes >= least_bytes]
    large.sort(key=lambda row: -(row.size_bytes or 0))
    statements = definitions.told([row.drop_sql for row in large[:limit]])
    return Rows(large[:limit], " ".join([*_said(keys, pairs), *statements]) or None)


def covered(of_table: Iterable[Keys]) -> Iterator[tuple[Keys, Keys, Kind]]:
    """The indexes of one table that another one covers which stays; those that must stay come first among equals."""
    stay: list[Keys] = []
    readable = (index for index in of_table if not index.is_unreadable)
    for index in sorted(readable, key=_weight):
        other, kind = next(((other, kind) for other in stay if (kind := covers(other, index))), (None, None))
        if other is None or kind is None or index.is_part:
            stay.append(index)
        else:
            yield index, other, kind
            if index.is_held:
                stay.append(index)


def covers(long: Keys, short: Keys) -> Kind | None:
    """Whether the one finds all that the other finds, in the same order, and keeps unique what that does."""
    same_rows = (long.method, long.predicate) == (short.method, short.predicate)
    same_options = long.method in _STORING or long.options == short.options
    if not same_rows or not same_options or not short.included <= long.carried:
        return None
    if long.columns == short.columns and short.enforced in {(), long.enforced}:
        return "identical" if long.included == short.included else "prefix"
    begins = long.columns[: short.key_columns] == short.columns
    return "prefix" if begins and long.method == "btree" and not short.is_unique else None


def _weight(index: Keys) -> tuple[bool, bool, bool, int, int, int]:
    return (
        not index.is_held, not index.is_unique, not index.is_part, -index.key_columns, -len(index.included), index.oid,
    )  # fmt: skip


def _row(
    one: Index, other: Keys, kind: Kind, times: float | None, known: definitions.Definition | None
) -> DuplicateIndex:
    return DuplicateIndex(
        schema=one.schema,
        table=one.table,
        index=one.index,
        covered_by=other.index,
        kind=kind,
        size_bytes=one.size_bytes,
        reason=_reason(other, kind, times),
        drop_sql=known.drop_sql if known is not None else None,
        undo_sql=known.undo_sql if known is not None else None,
        scans=one.scans,
    )


def _reason(other: Keys, kind: Kind, times: float | None) -> str:
    if kind == "identical":
        return _("{other} finds the same rows in the same order.").format(other=other.index)
    begins = _("{other} begins with its columns.").format(other=other.index)
    if times is None or times < _MUCH:
        return begins
    return f"{begins} {_('It is {times:.2g} times as large.').format(times=times)}"


def _times(large: Index | None, small: Index) -> float | None:
    """How much larger the index is that stays; unknown when one is locked, or a part of another."""
    return large.size_bytes / small.size_bytes if large and large.size_bytes and small.size_bytes else None


def _said(keys: Sequence[Keys], pairs: Sequence[tuple[Keys, Keys, Kind]]) -> Iterator[str]:
    for one, other, kind in pairs:
        if one.is_held and kind == "identical":
            yield _("{one} and {other} are the same, and both are needed by a constraint or the like.").format(
                one=one.name, other=other.name
            )
    locked = unlocked.told([index.name for index in keys if index.is_unreadable])
    if locked:
        yield locked
