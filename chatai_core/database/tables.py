"""Tables by the space they take."""

from dataclasses import dataclass

from chatai_core.adapters.postgres import Database, question
from chatai_core.units import Bytes


@dataclass(frozen=True, slots=True)
class Table:
    """One table with what belongs to it; ``rows_estimate`` is None when it was never analyzed."""

    schema: str
    table: str
    rows_estimate: int | None
    table_bytes: Bytes
    index_bytes: Bytes
    toast_bytes: Bytes
    total_bytes: Bytes


def largest(database: Database, *, limit: int | None = None, schema: str | None = None) -> list[Table]:
    """The tables of a database (of one schema), the largest first."""
    return database.rows(Table, question(__file__), limit=limit, schema=schema)
