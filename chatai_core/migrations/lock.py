"""The lock that lets one deployment at a time migrate a database.

The migrating session itself holds it: whatever ends that session frees the lock, and while one of its statements
still runs in the server, nobody else begins. Those who wait ask again and again in place of queueing in the server,
where CREATE INDEX CONCURRENTLY would wait for them.
"""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from chatai_core.adapters import postgres
from chatai_core.adapters.postgres import MIGRATION_LOCK
from chatai_core.errors import Busy
from chatai_core.i18n import _
from chatai_core.migrations.terms import Terms
from chatai_core.units import Seconds

if TYPE_CHECKING:
    from sqlalchemy import Connection

_PAUSE: Seconds = 0.2

_SESSION = {
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "client_connection_check_interval": "1s",  # when we are killed, the server ends our statement too
}


@contextmanager
def locked(url: str, terms: Terms = Terms()) -> "Iterator[Connection]":
    """A SQLAlchemy connection that holds the lock to its end. Raises Busy when another keeps it too long."""
    with closing(_connected(url)) as session:
        with postgres.translated(url):
            _acquire(session, url, terms)
            session.autocommit = False
        with _lent(session) as connection:
            yield connection


@contextmanager
def unlocked(url: str, terms: Terms = Terms()) -> "Iterator[Connection]":
    """A SQLAlchemy connection that looks without the lock; whoever begins a transaction with it undoes it."""
    with closing(_connected(url)) as session:
        with postgres.translated(url):
            _set(session, terms)
            session.autocommit = False
        with _lent(session) as connection:
            yield connection


@contextmanager
def _lent(session: postgres.Connection) -> "Iterator[Connection]":
    from sqlalchemy import NullPool, create_engine  # 200 ms that only a migration pays

    engine = create_engine(
        "postgresql+psycopg2://",
        creator=lambda: session,
        poolclass=NullPool,
        hide_parameters=True,  # an error must not carry what a row holds
    )
    with engine.connect() as connection:
        yield connection


def _connected(url: str) -> postgres.Connection:
    with postgres.translated(url):
        session = postgres.connect(url, application=postgres.MIGRATION)
    session.autocommit = True
    return session


def _acquire(session: postgres.Connection, url: str, terms: Terms) -> None:
    deadline, told = time.monotonic() + terms.wait, False
    while not _asked(session, "SELECT pg_try_advisory_lock(%(key)s)")[0]:
        holder = _holder(session)
        if time.monotonic() >= deadline:
            raise Busy(
                _("Another migration of the database {name} is running.").format(name=postgres.name_of(url)),
                why=holder,
                hint="chatai migrate current",
            )
        if not told:
            terms.tell(_("Waiting for another migration. {holder}").format(holder=holder))
            told = True
        time.sleep(min(_PAUSE, max(0.0, deadline - time.monotonic())))
    _set(session, terms)


def _set(session: postgres.Connection, terms: Terms) -> None:
    settings = {**_SESSION, "lock_timeout": f"{max(1, round(terms.lock_timeout * 1000))}ms"}
    for name, value in settings.items():
        _asked(session, "SELECT set_config(%(name)s, %(value)s, false)", name=name, value=value)


def _holder(session: postgres.Connection) -> str:
    """Who holds the lock, in one sentence."""
    found = _asked(session, postgres.question(__file__), key=MIGRATION_LOCK)
    if not found:
        return _("It has ended this moment.")
    pid, application, role, address, since = found
    return _("Process {pid} ({application}, role {role}, {address}) holds the lock since {since}.").format(
        pid=pid,
        application=application,
        role=role or "?",
        address=address,
        since=since.isoformat(" ", "seconds") if since else "?",
    )


def _asked(session: postgres.Connection, sql: str, **parameters: Any) -> tuple[Any, ...]:
    with session.cursor() as cursor:
        cursor.execute(sql, {"key": MIGRATION_LOCK, **parameters})
        return cursor.fetchone() or ()
