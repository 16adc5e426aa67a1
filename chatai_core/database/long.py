"""Queries and transactions that last."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from chatai_core.adapters.postgres import Database
from chatai_core.database import sessions, statements, visibility
from chatai_core.database.sessions import Protection, Session
from chatai_core.findings import Rows
from chatai_core.units import Detail, Seconds

OVER: Seconds = 60.0


@dataclass(frozen=True, slots=True)
class LongRunning:
    """One session with a query or a transaction that lasts.

    ``duration_seconds``: how long the query runs; for one that is idle in its transaction, since when it is idle.
    ``transaction_seconds``: the age of its transaction; None when it has none, or has failed.
    """

    pid: int
    backend_start: Annotated[datetime | None, Detail]
    user: Annotated[str | None, Detail]
    application: str | None
    state: str | None
    duration_seconds: Seconds | None
    transaction_seconds: Seconds | None
    query: Annotated[str | None, Detail]
    protected: Protection | None
    begins: str
    wait: Annotated[str | None, Detail]
    database: Annotated[str | None, Detail]
    client: Annotated[str | None, Detail]
    kind: Annotated[str | None, Detail]


def running(
    database: Database, *, over: Seconds | None = None, limit: int | None = None, everywhere: bool = False
) -> Rows[LongRunning]:
    """What lasts longer than ``over`` (a minute), the longest first, what is protected last; idle sessions never."""
    found = lasting(database, over, everywhere=everywhere)
    return Rows(map(_row, found[:limit]), visibility.look(database).sessions_hidden)


def lasting(database: Database, over: Seconds | None, *, everywhere: bool) -> list[Session]:
    """The same as sessions: what is protected last, for much of it lasts by its nature."""
    found = sessions.lasting(database, OVER if over is None else over, everywhere=everywhere)
    return sorted(found, key=lambda session: session.protected is not None)


def _row(session: Session) -> LongRunning:
    query = statements.shown(session.query)
    return LongRunning(
        pid=session.pid,
        backend_start=session.backend_start,
        user=session.user,
        application=session.application,
        state=session.state,
        duration_seconds=session.duration_seconds,
        transaction_seconds=session.transaction_seconds,
        query=query,
        protected=session.protected,
        begins=statements.begins(query),
        wait=session.wait,
        database=session.database,
        client=session.client,
        kind=session.kind,
    )
