"""Tables by the space they take."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from chatai_core.adapters.postgres import Database, identifier, question
from chatai_core.database import relations, unlocked
from chatai_core.findings import Rows
from chatai_core.units import Bytes, Detail


@dataclass(frozen=True, slots=True)
class Table:
    """One table with what belongs to it; ``rows_estimate`` is None when it was never analyzed, a size when locked.

    ``vector_columns`` are pgvector's with their dimensions; their indexes are part of ``index_bytes``.
    """

    schema: str
    table: str
    rows_estimate: int | None
    table_bytes: Bytes | None
    index_bytes: Bytes | None
    toast_bytes: Bytes | None
    total_bytes: Bytes | None
    kind: Annotated[str, Detail]
    partitions: Annotated[int, Detail]
    vector_columns: Annotated[list[str], Detail]
    vector_index_bytes: Annotated[Bytes | None, Detail]


def largest(
    database: Database,
    *,
    limit: int | None = None,
    schema: str | None = None,
    names: Sequence[str] = (),
    least_bytes: int = 0,
) -> Rows[Table]:
    """The tables of a database (of one schema, of these names), the largest first; unmeasured ones are the last."""
    relations.must_have_schema(database, schema)
    oids = relations.named(database, names)
    found = unlocked.rows(database, Table, question(__file__), schema=schema, tables=oids)
    large = [table for table in found if table.total_bytes is None or table.total_bytes >= least_bytes]
    locked = [identifier(table.schema, table.table) for table in found if table.total_bytes is None]
    return Rows(large[:limit], unlocked.told(locked))
