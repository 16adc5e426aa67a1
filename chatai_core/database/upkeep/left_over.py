"""What an interrupted REINDEX CONCURRENTLY leaves: an invalid copy that takes room and slows every write."""

import time
from dataclasses import dataclass

from chatai_core.adapters.postgres import Database, Session, identifier, question
from chatai_core.errors import ChataiError
from chatai_core.i18n import _
from chatai_core.units import Seconds

_AT_WORK = "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = %(process)s AND relation = %(table)s::oid)"
_PATIENCE: Seconds = 5.0  # until the server has ended the statement that we gave up


@dataclass(frozen=True, slots=True)
class Invalid:
    """An index that no query uses; ``is_in_work`` while another session may still be building it."""

    oid: int
    schema: str
    index: str
    is_in_work: bool


def of(database: Database, table: int) -> list[Invalid]:
    """The invalid indexes of a table."""
    return database.rows(Invalid, question(__file__), table=table)


def dropped(session: Session, table: int, before: list[Invalid], *, by: int) -> str | None:
    """Drop what an attempt has added to the invalid indexes of a table; one sentence when that cannot be done.

    ``by`` is the server process that made the attempt; it is waited for.
    """
    known = {index.oid for index in before}
    try:
        _wait_for(session.database, table, by)
        for index in of(session.database, table):
            if index.oid not in known and not index.is_in_work:
                session.run(f"DROP INDEX CONCURRENTLY IF EXISTS {identifier(index.schema, index.index)}")
    except ChataiError:
        pass  # what remains is named
    return _named(session.database, table, known)


def perhaps() -> str:
    """The sentence of an attempt after which the server could not be asked."""
    return _("An invalid copy may be left over: chatai db reindex --clean")


def _wait_for(database: Database, table: int, process: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while database.value(_AT_WORK, process=process, table=table) and time.monotonic() < deadline:
        time.sleep(0.1)


def _named(database: Database, table: int, known: set[int]) -> str | None:
    try:
        remaining = [index for index in of(database, table) if index.oid not in known]
    except ChataiError:
        return perhaps()
    names = ", ".join(identifier(index.schema, index.index) for index in remaining)
    return _("{names} is left over: chatai db reindex --clean").format(names=names) if names else None
