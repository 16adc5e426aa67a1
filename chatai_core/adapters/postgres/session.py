"""A session for upkeep: every statement is a transaction of its own, and what the server warns of is heard."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from types import TracebackType
from typing import Self

import psycopg2
import psycopg2.extensions

from chatai_core.adapters.postgres.connecting import connect
from chatai_core.adapters.postgres.database import Database
from chatai_core.adapters.postgres.errors import as_refused, translated


class Session:
    """One connection to PostgreSQL, opened now; ``database`` asks questions over it."""

    def __init__(
        self, url: str, *, application: str, timeout: int = 5, settings: Mapping[str, str] | None = None
    ) -> None:
        """``settings`` hold in it. Raises what Database raises."""
        self.url = url
        with translated(url):
            self._connection = connect(url, timeout=timeout, application=application, settings=settings)
        self._connection.autocommit = True
        self.pid = self._connection.get_backend_pid()
        self.database = Database(url, borrow=lambda: nullcontext(self._connection))

    def run(self, statement: str) -> list[str]:
        """Have the server carry out one statement; what it said besides. Whatever it refuses is one of our errors."""
        del self._connection.notices[:]
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(statement)
        except psycopg2.Error as error:
            raise as_refused(error, self.url) from error
        return [" ".join(said.split()) for said in self._connection.notices]

    def verifier(self, role: str, password: str) -> str:
        """What a server stores of a password (SCRAM), so that the password itself is never sent."""
        made: str = psycopg2.extensions.encrypt_password(password, role, self._connection, "scram-sha-256")
        return made

    def close(self) -> None:
        """End it."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextmanager
def acting_as(user: int | None) -> Iterator[None]:
    """Open connections as another user of this machine, whom a server knows by its socket (peer); None is ourselves.

    The kernel tells the server the effective user of the moment in which the connection is made.
    """
    ourselves = os.geteuid()
    if user is None or user == ourselves:
        yield
        return
    try:
        os.seteuid(user)
        yield
    finally:
        os.seteuid(ourselves)
