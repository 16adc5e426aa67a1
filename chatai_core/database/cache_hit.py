"""How much of what is wanted PostgreSQL finds in its own cache."""

from dataclasses import dataclass
from typing import Annotated, Literal

from chatai_core.adapters.postgres import Database, question
from chatai_core.database import counters, relations
from chatai_core.findings import Rows
from chatai_core.i18n import _
from chatai_core.units import Bytes, Detail, Percent


@dataclass(frozen=True, slots=True)
class CacheHit:
    """The database, all its tables or indexes, or one; a table with its TOAST. No share where nothing was wanted."""

    kind: Literal["database", "tables", "indexes", "table", "index"]
    schema: str | None
    name: str | None
    hit_share: Percent | None
    read_bytes: Bytes
    hit_bytes: Bytes
    blocks_read: Annotated[int, Detail]


def shares(database: Database, *, limit: int | None = 20, schema: str | None = None) -> Rows[CacheHit]:
    """The totals, then the tables and indexes of which most was read from outside the cache."""
    relations.must_have_schema(database, schema)
    rows = database.rows(CacheHit, question(__file__), limit=limit, schema=schema)
    return Rows(rows, f"{counters.told(counters.since(database))} {_other_cache()}")


def _other_cache() -> str:
    return _("What PostgreSQL reads may still come from the operating system's cache, of which it knows nothing.")
