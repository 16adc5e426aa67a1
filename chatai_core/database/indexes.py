"""Indexes: how large they are, how often they are used, and which of them do not work."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from chatai_core.adapters.postgres import Database, identifier, question
from chatai_core.database import counters, definitions, relations, unlocked
from chatai_core.findings import Rows
from chatai_core.units import Bytes, Detail

VALID = "valid"


@dataclass(frozen=True, slots=True)
class Index:
    """One index; those of partitions count in their table's. A locked one has no ``size_bytes``.

    ``state``: valid, being built, being built or invalid (this role cannot see which), invalid, incomplete (a partition
    lacks it). ``last_scan`` is known from PostgreSQL 16 on. ``options``: pgvector's m, ef_construction, lists, and the
    others of WITH.
    """

    schema: str
    table: str
    index: str
    method: str
    size_bytes: Bytes | None
    scans: int
    state: str
    last_scan: Annotated[datetime | None, Detail]
    is_unique: Annotated[bool, Detail]
    is_primary: Annotated[bool, Detail]
    constraint: Annotated[str | None, Detail]
    is_partial: Annotated[bool, Detail]
    has_expressions: Annotated[bool, Detail]
    partitions: Annotated[int, Detail]
    tablespace: Annotated[str | None, Detail]
    options: Annotated[dict[str, str] | None, Detail]
    progress: Annotated[str | None, Detail]
    oid: Annotated[int, Detail]
    table_oid: Annotated[int, Detail]
    columns: Annotated[list[str], Detail] = field(default_factory=list)
    definition: Annotated[str | None, Detail] = None

    @property
    def name(self) -> str:
        """Its name with its schema, as SQL writes it."""
        return identifier(self.schema, self.index)


def every(
    database: Database,
    *,
    limit: int | None = None,
    schema: str | None = None,
    names: Sequence[str] = (),
    least_bytes: int = 0,
    invalid: bool = False,
) -> Rows[Index]:
    """The indexes of a database (of one schema, of these tables, those that do not work), the largest first."""
    relations.must_have_schema(database, schema)
    tables = relations.named(database, names)
    found = measured(database, schema=schema, tables=tables)
    wanted = [index for index in found if not (invalid and index.state == VALID)]
    shown = [index for index in wanted if index.size_bytes is None or index.size_bytes >= least_bytes][:limit]
    known = definitions.of(database, [index.oid for index in shown])
    locked = unlocked.told([index.name for index in found if index.size_bytes is None])
    reading = " ".join(filter(None, (counters.told(counters.since(database)), locked)))
    return Rows((_defined(index, known.get(index.oid)) for index in shown), reading)


def measured(
    database: Database,
    *,
    schema: str | None = None,
    tables: Sequence[int] = (),
    indexes: Sequence[int] | None = None,
) -> list[Index]:
    """The indexes without their definitions, which are slow to read; ``indexes`` are these oids alone."""
    return unlocked.rows(
        database,
        Index,
        question(__file__),
        schema=schema,
        tables=list(tables),
        indexes=None if indexes is None else list(indexes),
    )


def unfinished(database: Database) -> list[Index]:
    """The indexes that are not valid (see ``state``), without measuring all the others."""
    oids: list[int] | None = database.value(question(__file__, "indexes_unfinished"))
    return [index for index in measured(database, indexes=oids) if index.state != VALID] if oids else []


def _defined(index: Index, known: definitions.Definition | None) -> Index:
    if known is None:
        return index
    return dataclasses.replace(index, columns=known.columns, definition=known.definition)
