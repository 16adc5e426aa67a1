"""How near the database is to the end of its transaction numbers, and who keeps old ones in use.

PostgreSQL refuses writes 3 million numbers before an age of 2^31; autovacuum begins in time, unless it is held up.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from chatai_core.adapters.postgres import Database, question
from chatai_core.database import visibility
from chatai_core.units import Detail, Percent, Seconds


@dataclass(frozen=True, slots=True)
class DatabaseAge:
    """How old the oldest transaction and multixact numbers of a database are.

    ``…_share`` is of 2^31; ``…_freeze_share`` of the age from which on autovacuum freezes whatever its settings say.
    """

    database: str
    txid_age: int
    txid_share: Percent
    mxid_age: int
    mxid_share: Percent
    txid_freeze_share: Percent
    mxid_freeze_share: Percent


@dataclass(frozen=True, slots=True)
class TableAge:
    """The same of one table and its TOAST, after its own settings; ``by_toast`` when TOAST has the older number."""

    schema: str
    table: str
    txid_age: int
    txid_share: Percent
    mxid_age: int
    mxid_share: Percent
    txid_freeze_share: Percent
    mxid_freeze_share: Annotated[Percent, Detail]
    by_toast: Annotated[bool, Detail]


@dataclass(frozen=True, slots=True)
class Holder:
    """Who keeps old rows of this database from being freed, since so many transactions; what ends it, if one can."""

    kind: Literal["session", "prepared", "slot", "standby"]
    pid: int | None
    name: str | None
    role: str | None
    txid_age: int
    seconds: Seconds | None
    state: str | None
    remedy: str | None


@dataclass(frozen=True, slots=True)
class Wraparound:
    """The age of this database, of all databases of the server, of its oldest tables; who holds it up.

    ``hidden`` says what of the holders the role cannot see.
    """

    database: str
    txid_age: int
    txid_share: Percent
    mxid_age: int
    mxid_share: Percent
    txid_freeze_share: Percent
    mxid_freeze_share: Percent
    databases: list[DatabaseAge]
    tables: list[TableAge]
    holders: list[Holder]
    hidden: str | None


def ages(database: Database, *, limit: int | None = 10) -> Wraparound:
    """How old it all is, the oldest first, at most ``limit`` of each."""
    with database.together():
        databases = database.rows(DatabaseAge, question(__file__))
        tables = database.rows(TableAge, question(__file__, "wraparound_tables"), limit=limit)
        held = holders(database, limit=limit)
    this = databases[0]
    return Wraparound(
        database=this.database,
        txid_age=this.txid_age,
        txid_share=this.txid_share,
        mxid_age=this.mxid_age,
        mxid_share=this.mxid_share,
        txid_freeze_share=this.txid_freeze_share,
        mxid_freeze_share=this.mxid_freeze_share,
        databases=databases,
        tables=tables,
        holders=held,
        hidden=visibility.look(database).sessions_hidden if held else None,
    )


def holders(database: Database, *, limit: int | None = None) -> list[Holder]:
    """Who holds the horizon of this database back, the oldest first."""
    return database.rows(Holder, question(__file__, "wraparound_holders"), limit=limit)
