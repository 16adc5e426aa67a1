"""PostgreSQL through psycopg2: questions in SQL, answered as rows of frozen dataclasses."""

import functools
import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import psycopg2
import psycopg2.errors
import psycopg2.extensions

from chatai_core.adapters import interruptible
from chatai_core.errors import (
    AccessRefused,
    BadData,
    Busy,
    ChataiError,
    DatabaseMissing,
    Misconfigured,
    Unavailable,
)
from chatai_core.i18n import _

Row = TypeVar("Row")
Connection = psycopg2.extensions.connection
Borrow = Callable[[], AbstractContextManager[Connection]]


class Database:
    """One PostgreSQL database. Connects when first asked; every failure is one of our errors."""

    def __init__(self, url: str, *, connect_timeout: int = 5, borrow: Borrow | None = None) -> None:
        """``borrow`` lends a connection of a pool (the server's); without it one connection is opened and kept."""
        self.url = libpq(url)
        self._connect_timeout = connect_timeout
        self._borrow = borrow
        self._own: Connection | None = None

    def rows(self, row: Callable[..., Row], sql: str, /, **parameters: Any) -> list[Row]:
        """Answer a question: one ``row(**columns)`` for each row, in the order of the SQL."""
        with self.connection() as connection, connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            names = [column.name for column in cursor.description or ()]
            return [row(**dict(zip(names, values, strict=True))) for values in cursor]

    def one(self, row: Callable[..., Row], sql: str, /, **parameters: Any) -> Row | None:
        """The only row of an answer, or None."""
        return next(iter(self.rows(row, sql, **parameters)), None)

    def value(self, sql: str, /, **parameters: Any) -> Any:
        """The first column of the first row; None when there is no row."""
        with self.connection() as connection, connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            row = cursor.fetchone()
            return row[0] if row else None

    def execute(self, sql: str, /, **parameters: Any) -> int:
        """Make a change; the number of rows it touched."""
        with self.connection() as connection, connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return int(cursor.rowcount)

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

    @contextmanager
    def _kept(self) -> Iterator[Connection]:
        if self._own is None or self._own.closed:
            self._own = connect(self.url, timeout=self._connect_timeout)
        yield self._own


def connect(url: str, *, timeout: int = 5, application: str = "chatai") -> Connection:
    """A new connection, in UTC; the URL's own options hold too. Raises psycopg2.Error: use inside ``translated``."""
    address = libpq(url)
    options = psycopg2.extensions.parse_dsn(address).get("options", "")

    def open_it() -> Connection:
        return psycopg2.connect(
            address,
            connect_timeout=timeout,
            application_name=application,
            options=f"{options} -c timezone=UTC".strip(),
            cursor_factory=_Cursor,
        )

    return interruptible.call(open_it)


class _Cursor(psycopg2.extensions.cursor):
    """A cursor whose statements end with Ctrl-C: in the server too."""

    def execute(self, query: Any, vars: Any = None) -> None:
        """Have the server carry it out, also for Database and SQLAlchemy; see ``interruptible``."""
        connection = self.connection

        def cut_off() -> None:
            with socket.socket(fileno=os.dup(connection.fileno())) as shared:
                shared.shutdown(socket.SHUT_RDWR)

        execute = super().execute
        interruptible.call(lambda: execute(query, vars), connection.cancel, cut_off)


def libpq(url: str) -> str:
    """The URL as libpq takes it: SQLAlchemy's postgresql+driver:// and postgres:// are converted.

    >>> libpq("postgresql+psycopg2://u:p@h/d"), libpq("postgres://h/d")
    ('postgresql://u:p@h/d', 'postgresql://h/d')
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.split("+")[0] not in {"postgresql", "postgres"}:
        raise _no_address(_("It must begin with postgresql://."))
    before, at, after = rest.partition("?")[0].partition("@")
    if at and ("/" in before or "@" in after):  # libpq would take part of the password for a name, and say it
        raise _no_address(_("In a password @ is written %40, and / %2F."))
    return f"postgresql://{rest}"


def masked(url: str) -> str:
    """The URL without its password, for people.

    >>> masked("postgresql://u:secret@h:5432/d?host=/tmp/x"), masked("postgresql://h/d?sslmode=require&password=secret")
    ('postgresql://u@h:5432/d?host=/tmp/x', 'postgresql://h/d?sslmode=require&password=********')
    """
    scheme, _separator, rest = url.partition("://")
    credentials, at, address = rest.rpartition("@")
    shown = re.sub(r"([?&](?:ssl)?password=)[^&]*", r"\1********", address)
    return f"{scheme}://{credentials.split(':')[0]}{at}{shown}"


def without_password(url: str) -> tuple[str, dict[str, str]]:
    """The address for a program's argv, and the environment that carries its password.

    >>> without_password("postgresql://u:secret@h:5432/d?sslmode=require")
    ("host='h' port='5432' user='u' dbname='d' sslmode='require'", {'PGPASSWORD': 'secret'})
    """
    parts = psycopg2.extensions.parse_dsn(libpq(url))
    password = parts.pop("password", None)
    order = ["host", "port", "user", "dbname", *sorted(set(parts) - {"host", "port", "user", "dbname"})]
    quoted = {name: str(parts[name]).replace("\\", "\\\\").replace("'", "\\'") for name in order if name in parts}
    return " ".join(f"{name}='{value}'" for name, value in quoted.items()), (
        {"PGPASSWORD": password} if password else {}
    )


def name_of(url: str) -> str:
    """The database's name in a URL.

    >>> name_of("postgresql://u@h/%D0%91%20%22x%22")
    'Б "x"'
    """
    return unquote(urlsplit(libpq(url)).path.lstrip("/")) or "postgres"


@functools.cache
def question(module_file: str, name: str | None = None) -> str:
    """The SQL that stands beside a module: ``question(__file__)`` reads tables.sql beside tables.py."""
    path = Path(module_file)
    return (path.with_name(f"{name}.sql") if name else path.with_suffix(".sql")).read_text("utf-8")


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Turn psycopg2's errors, also those inside SQLAlchemy's, into ours."""
    try:
        yield
    except psycopg2.Error as error:
        ours = as_ours(error, url)
        if ours is None:
            raise
        raise ours from error


def as_ours(error: psycopg2.Error, url: str) -> ChataiError | None:
    """The error in the operator's words; None when it is a bug of ours."""
    where, why = masked(url), _sentence(error)
    for kinds, make in _KINDS:
        if isinstance(error, kinds):
            return make(where, why)
    if isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError):
        return _not_connected(where, why)
    if isinstance(error, psycopg2.ProgrammingError) and error.pgcode is None and "dsn" in str(error):
        return _no_address(_("libpq cannot read it."))  # what libpq says holds the password
    return None


def _no_address(why: str) -> Misconfigured:
    return Misconfigured(
        _("DATABASE_URL is not a PostgreSQL address."),
        why=why,
        hint="DATABASE_URL=postgresql://user:password@localhost:5432/chatai",
    )


def _not_connected(where: str, why: str) -> ChataiError:
    low = why.lower()
    if low.startswith("invalid "):  # a port that is no number, an unknown sslmode
        return _no_address(why)
    if "password authentication failed" in low or "no password supplied" in low or "pg_hba.conf" in low:
        return AccessRefused(
            _("PostgreSQL refuses the login at {url}.").format(url=where),
            why=why,
            hint="chatai config show --origin",
        )
    if "does not exist" in low:
        return DatabaseMissing(
            _("PostgreSQL at {url} does not know this database or role.").format(url=where),
            why=why,
            hint="chatai config show --origin",
        )
    if "too many" in low or "remaining connection slots" in low:
        return Busy(_("PostgreSQL at {url} has no free connection.").format(url=where), why=why)
    return Unavailable(
        _("PostgreSQL does not answer at {url}.").format(url=where),
        why=why,
        hint="chatai config show --origin",
    )


def _sentence(error: psycopg2.Error) -> str:
    """The first line of what the server said, which carries no password."""
    text = (error.pgerror or str(error)).strip()
    lines = [line.strip().removeprefix("ERROR:").removeprefix("FATAL:").strip() for line in text.splitlines()]
    last_cause = next(
        (line for line in reversed(lines) if line.startswith("connection to server")),
        lines[0] if lines else "",
    )
    return last_cause.rstrip(".") + "." if last_cause else _("No reason was given.")


_KINDS: tuple[tuple[Any, Callable[[str, str], ChataiError]], ...] = (
    (
        psycopg2.errors.UndefinedTable,
        lambda where, why: Misconfigured(
            _("The database {url} has no ChatAI tables, or not all of them.").format(url=where),
            why=why,
            hint="chatai migrate upgrade",
        ),
    ),
    (
        psycopg2.errors.UndefinedColumn,
        lambda where, why: Misconfigured(
            _("The tables of {url} are of another version.").format(url=where),
            why=why,
            hint="chatai migrate check",
        ),
    ),
    (
        psycopg2.errors.InsufficientPrivilege,
        lambda where, why: AccessRefused(_("The role may not do this in {url}.").format(url=where), why=why),
    ),
    (
        psycopg2.errors.ReadOnlySqlTransaction,
        lambda where, why: AccessRefused(_("The database {url} is read-only.").format(url=where), why=why),
    ),
    (
        (psycopg2.errors.LockNotAvailable, psycopg2.errors.QueryCanceled, psycopg2.errors.DeadlockDetected),
        lambda where, why: Busy(_("The database {url} is busy.").format(url=where), why=why),
    ),
    (
        psycopg2.errors.DiskFull,
        lambda where, why: Unavailable(_("The disk of {url} is full.").format(url=where), why=why),
    ),
    (
        psycopg2.errors.DataError,
        lambda where, why: BadData(_("A value does not fit its column."), why=why),
    ),
)
