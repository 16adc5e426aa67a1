"""Questions in SQL, answered as rows of frozen dataclasses."""

import functools
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psycopg2.extensions

from chatai_core.adapters.postgres.addresses import libpq
from chatai_core.adapters.postgres.connecting import Connection, connect, cut_off
from chatai_core.adapters.postgres.errors import translated
from chatai_core.plans import Explained

Row = TypeVar("Row")
Borrow = Callable[[], AbstractContextManager[Connection]]
_BEGINNING = re.compile(r"^\s*(WITH|SELECT)\b", re.MULTILINE)


@dataclass(slots=True)
class Cost:
    """What the questions of one connection have cost so far: how many, and the seconds that they were waited for."""

    questions: int = 0
    seconds: float = 0.0


class Database:
    """One PostgreSQL database. Connects when first asked; every failure is one of our errors."""

    def __init__(
        self,
        url: str,
        *,
        connect_timeout: int = 5,
        borrow: Borrow | None = None,
        settings: Mapping[str, str] | None = None,
        explained: list[str] | None = None,
    ) -> None:
        """``borrow`` lends a connection of a pool (the server's); without it one connection is opened and kept.

        ``settings`` hold in that one. With ``explained`` the questions are written there in place of being asked.
        """
        self.url = libpq(url)
        self.cost = Cost()
        self._connect_timeout = connect_timeout
        self._borrow = borrow
        self._settings = settings
        self._explained = explained
        self._explains_all = False
        self._own: Connection | None = None

    def rows(self, row: Callable[..., Row], sql: str, /, **parameters: Any) -> list[Row]:
        """Answer a question: one ``row(**columns)`` for each row, in the order of the SQL. Raises Explained."""
        if self._explained is not None:
            self._explained.append(written(sql, parameters))
            if self._explains_all:
                return []
            raise Explained()
        with self.connection() as connection, connection.cursor() as cursor:
            self._ask(cursor, sql, parameters)
            names = [column.name for column in cursor.description or ()]
            return [row(**dict(zip(names, values, strict=True))) for values in cursor]

    def one(self, row: Callable[..., Row], sql: str, /, **parameters: Any) -> Row | None:
        """The only row of an answer, or None."""
        return next(iter(self.rows(row, sql, **parameters)), None)

    def value(self, sql: str, /, **parameters: Any) -> Any:
        """The first column of the first row; None when there is no row. It is asked even when explaining."""
        with self.connection() as connection, connection.cursor() as cursor:
            self._ask(cursor, sql, parameters)
            row = cursor.fetchone()
            return row[0] if row else None

    def execute(self, sql: str, /, **parameters: Any) -> int:
        """Make a change; the number of rows it touched."""
        with self.connection() as connection, connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return int(cursor.rowcount)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Questions of one answer, none of which depends on another's rows: all are explained, not the first alone."""
        self._explains_all = True
        yield
        if self._explained is not None:
            raise Explained()

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection in a transaction: committed at the end, rolled back on an error."""
        with translated(self.url), self._borrow() if self._borrow else self._kept() as connection, connection:
            yield connection

    def close(self) -> None:
        """End the connection that this object opened."""
        if self._own is not None:
            self._own.close()
            self._own = None

    def abandon(self) -> None:
        """End the connection although another thread still waits for its answer, which then is an error."""
        if self._own is not None and not self._own.closed:
            cut_off(self._own)

    @contextmanager
    def _kept(self) -> Iterator[Connection]:
        if self._own is None or self._own.closed:
            self._own = connect(self.url, timeout=self._connect_timeout, settings=self._settings)
        yield self._own

    def _ask(self, cursor: Any, sql: str, parameters: Mapping[str, Any]) -> None:
        began = time.monotonic()
        cursor.execute(sql if self._settings is None else signed(sql), parameters)
        self.cost.questions += 1
        self.cost.seconds += time.monotonic() - began


@functools.cache
def question(module_file: str, name: str | None = None) -> str:
    """The SQL that stands beside a module: ``question(__file__)`` reads tables.sql beside tables.py."""
    path = Path(module_file)
    return (path.with_name(f"{name}.sql") if name else path.with_suffix(".sql")).read_text("utf-8")


def signed(sql: str) -> str:
    """A report's question with the mark by which pg_stat_statements' rows of reports are told from the system's own.

    Within the statement: since PostgreSQL 18 a comment before it is not kept.

    >>> signed("-- What?\\nWITH a AS (SELECT 1) SELECT 2")
    '-- What?\\nWITH /* chatai report */ a AS (SELECT 1) SELECT 2'
    """
    return _BEGINNING.sub(r"\1 /* chatai report */", sql, count=1)


def written(sql: str, parameters: Mapping[str, Any]) -> str:
    """The statement with its parameters in it, as psql takes it.

    >>> written("SELECT %(a)s, %(b)s, 5 %% 2", {"a": "it's", "b": None})
    "SELECT 'it''s', NULL, 5 % 2"
    """
    return (sql % {name: _literal(value) for name, value in parameters.items()}).strip()


def _literal(value: Any) -> str:
    adapted: Any = psycopg2.extensions.adapt(value)
    if isinstance(adapted, psycopg2.extensions.QuotedString):
        adapted.encoding = "utf-8"
    return bytes(adapted.getquoted()).decode()


def identifier(*names: str) -> str:
    """A name, or a schema and a name, as an SQL identifier.

    >>> print(identifier("public", 'A "good" table'))
    "public"."A ""good"" table"
    """
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)
