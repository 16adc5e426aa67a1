"""A new connection to PostgreSQL, whose statements Ctrl-C ends in the server too."""

import os
import socket
from collections.abc import Mapping
from typing import Any

import psycopg2
import psycopg2.extensions

from chatai_core.adapters import interruptible
from chatai_core.adapters.postgres.addresses import libpq

Connection = psycopg2.extensions.connection

MIGRATION = "chatai migrate"  # the application's name of a session that migrates a ChatAI database
MIGRATION_LOCK = int.from_bytes(b"chatmigr", "big")  # the advisory lock that it holds to its end

# What a question about a server in trouble may do to it: nothing, and not for long.
READ_ONLY = {
    "default_transaction_read_only": "on",
    "statement_timeout": "5s",
    "lock_timeout": "50ms",
    "idle_in_transaction_session_timeout": "60s",
    "jit": "off",  # the server guesses badly how many sessions and locks there are: compiling takes 700 ms, asking 2 ms
}


def connect(
    url: str, *, timeout: int = 5, application: str = "chatai", settings: Mapping[str, str] | None = None
) -> Connection:
    """A new connection, in UTC; the URL's own options hold too. Raises psycopg2.Error: use inside ``translated``.

    ``settings`` are the session's, by name, without blanks in their values.
    """
    address = libpq(url)
    options = [psycopg2.extensions.parse_dsn(address).get("options", ""), "-c timezone=UTC"]
    options += [f"-c {name}={value}" for name, value in (settings or {}).items()]

    def open_it() -> Connection:
        return psycopg2.connect(
            address,
            connect_timeout=timeout,
            application_name=application,
            client_encoding="UTF8",  # a database in SQL_ASCII would have only ASCII names asked
            options=" ".join(options).strip(),
            cursor_factory=_Cursor,
        )

    return interruptible.call(open_it)


def cut_off(connection: Connection) -> None:
    """End a connection under whoever waits for its answer in another thread."""
    with socket.socket(fileno=os.dup(connection.fileno())) as shared:
        shared.shutdown(socket.SHUT_RDWR)


class _Cursor(psycopg2.extensions.cursor):
    """A cursor whose statements end with Ctrl-C: in the server too."""

    def execute(self, query: Any, vars: Any = None) -> None:
        """Have the server carry it out, also for Database and SQLAlchemy; see ``interruptible``."""
        connection, execute = self.connection, super().execute
        interruptible.call(lambda: execute(query, vars), connection.cancel, lambda: cut_off(connection))
