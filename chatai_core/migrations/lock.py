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
from chatai_core.errors import Busy
from chatai_core.i18n import _
from chatai_core.units import Seconds

if TYPE_CHECKING:
    from sqlalchemy import Connection

KEY = int.from_bytes(b"chatmigr", "big")
APPLICATION = "chatai migrate"
WAIT: Seconds = 60.0
_PAUSE: Seconds = 0.2

_SESSION = {
    "lock_timeout": "3s",  # behind a lock that waits, every query of the backend would queue up
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "client_connection_check_interval": "1s",  # when we are killed, the server ends our statement too
}


@contextmanager
def locked(url: str, *, wait: Seconds = WAIT) -> "Iterator[Connection]":
    """A SQLAlchemy connection that holds the lock to its end. Raises Busy when another does for ``wait`` seconds."""
    from sqlalchemy import NullPool, create_engine  # 200 ms that only a migration pays

    with closing(_connected(url)) as session:
        with postgres.translated(url):
            _acquire(session, url, wait)
            session.autocommit = False
        engine = create_engine("postgresql+psycopg2://", creator=lambda: session, poolclass=NullPool)
        with engine.connect() as connection:
            yield connection


def _connected(url: str) -> postgres.Connection:
    with postgres.translated(url):
        session = postgres.connect(url, application=APPLICATION)
    session.autocommit = True
    return session


def _acquire(session: postgres.Connection, url: str, wait: Seconds) -> None:
    deadline, told = time.monotonic() + wait, False
    while not _asked(session, "SELECT pg_try_advisory_lock(%(key)s)")[0]:
        holder = _holder(session)
        if time.monotonic() >= deadline:
            raise Busy(
                _("Another migration of the database {name} is running.").format(name=postgres.name_of(url)),
                why=holder,
                hint="chatai migrate current",
            )
        if not told:
            _tell(holder)
            told = True
        time.sleep(min(_PAUSE, max(0.0, deadline - time.monotonic())))
    for name, value in _SESSION.items():
        _asked(session, "SELECT set_config(%(name)s, %(value)s, false)", name=name, value=value)


def _tell(holder: str) -> None:
    import logging  # 10 ms that ``migrate current`` need not pay

    logging.getLogger(__name__).warning("waiting for another migration: %s", holder)


def _holder(session: postgres.Connection) -> str:
    """Who holds the lock, in one sentence."""
    found = _asked(session, postgres.question(__file__), key=KEY)
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
        cursor.execute(sql, {"key": KEY, **parameters})
        return cursor.fetchone() or ()
