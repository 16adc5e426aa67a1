"""Constraints and indexes as the server itself describes them, against those that the migrations make."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from chatai_core.errors import ChataiError
from chatai_core.migrations import scripts, troubles
from chatai_core.migrations.adoption import catalog, reference
from chatai_core.migrations.lock import unlocked

if TYPE_CHECKING:
    from chatai_core.migrations.adoption.catalog import Catalog, Constraint, Index

# How its pages are filled, its graph built: an operator's choice, which changes no answer.
_STORED = re.compile(r" WITH \([^)]*\)")


@dataclass(frozen=True, slots=True)
class Difference:
    """A constraint or an index that is not what the migrations make; ``found`` None is missing."""

    kind: Literal["constraint", "index"]
    table: str
    name: str
    found: str | None
    wanted: str


def differences(url: str) -> list[Difference]:
    """What is not as the newest revision makes it. Raises ChataiError where no pattern can be made.

    The pattern is temporary tables, which are rolled back: that needs TEMPORARY on the database, and no replica.
    """
    from chatai_core.models import Base

    tables, newest = list(Base.metadata.tables), len(scripts.chain()) - 1
    with troubles.explained(url), unlocked(url) as connection, connection.begin() as transaction:
        here = catalog.read(connection, reference.schema(connection), tables)
        ours = reference.pattern(connection, newest, tables)
        transaction.rollback()
    return [*_compared(here, ours)]


def sought(url: str) -> tuple[list[Difference], ChataiError | None]:
    """The same, and why it cannot be known."""
    try:
        return differences(url), None
    except ChataiError as error:
        return [], error


def _compared(here: "Catalog", ours: "Catalog") -> Iterator[Difference]:
    """A table that is missing is no matter of its constraints."""
    there = {table for table, _column in here.columns}
    constraints = {(one.table, one.name): one for one in here.constraints}
    indexes = {(one.table, one.name): one for one in here.indexes}
    for constraint in (one for one in ours.constraints if one.table in there):
        same = constraints.get((constraint.table, constraint.name))
        found, wanted = _definition(same) if same else None, _definition(constraint)
        if found != wanted and (found or not _is_elsewhere(constraint, here)):
            yield Difference("constraint", constraint.table, constraint.name, found, wanted)
    for index in (one for one in ours.indexes if one.table in there):
        alike = indexes.get((index.table, index.name))
        found, wanted = _shape(alike) if alike else None, _shape(index)
        if found != wanted:
            yield Difference("index", index.table, index.name, found, wanted)


def _is_elsewhere(constraint: "Constraint", here: "Catalog") -> bool:
    """Whether it is there under another name."""
    return any((one.table, _definition(one)) == (constraint.table, _definition(constraint)) for one in here.constraints)


def _definition(constraint: "Constraint") -> str:
    return constraint.definition + ("" if constraint.is_valid else " /* invalid */")


def _shape(index: "Index") -> str:
    return _STORED.sub("", index.shape)
