"""What psycopg2 raises, in the operator's words."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
import psycopg2.errors

from chatai_core.adapters.postgres.addresses import masked, no_address
from chatai_core.errors import (
    AccessRefused,
    BadData,
    Busy,
    ChataiError,
    DatabaseMissing,
    Misconfigured,
    NotFound,
    ProgramFailed,
    ServerFull,
    Unavailable,
)
from chatai_core.i18n import _


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
    where, why = masked(url), sentence(error)
    for kinds, make in _KINDS:
        if isinstance(error, kinds):
            return make(where, why)
    if isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError) and _is_of_the_connection(error):
        return _not_connected(where, why)
    if isinstance(error, psycopg2.OperationalError) or (error.pgcode or "").startswith("XX"):
        return _not_carried_out(why)
    if isinstance(error, psycopg2.ProgrammingError) and error.pgcode is None and "dsn" in str(error):
        return no_address(_("libpq cannot read it."))  # what libpq says holds the password
    return None


def as_refused(error: psycopg2.Error, url: str) -> ChataiError:
    """The same of a statement about what an operator has named: whatever the server refuses is no bug of ours."""
    if isinstance(error, psycopg2.errors.UndefinedObject | psycopg2.errors.UndefinedTable):
        return NotFound(_("It does not exist any more."), why=sentence(error))
    return as_ours(error, url) or _not_carried_out(sentence(error))


def _is_of_the_connection(error: psycopg2.Error) -> bool:
    """Whether it was lost or never made: libpq has no code for that, the server has 08, and 57P0x when it ends."""
    code = error.pgcode or ""
    return code == "" or code.startswith(("08", "57P"))


def _not_carried_out(why: str) -> ProgramFailed:
    """What the server cannot do in the state in which it is, or not for anybody: too large, out of memory, damaged."""
    return ProgramFailed(_("PostgreSQL could not carry it out."), why=why)


def _busy(where: str, why: str) -> Busy:
    return Busy(_("The database {url} is busy.").format(url=where), why=why)


def _not_connected(where: str, why: str) -> ChataiError:
    low = why.lower()
    if low.startswith("invalid "):  # a port that is no number, an unknown sslmode
        return no_address(why)
    if "canceling statement due to" in low:  # a catalogue that the login reads is locked for longer than we wait
        return _busy(where, why)
    if any(words in low for words in _REFUSALS):
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
        return ServerFull(
            _("PostgreSQL at {url} has no free connection.").format(url=where),
            why=why,
            hint="DATABASE_URL=postgresql://postgres@… chatai db connections",  # a superuser has places of his own
        )
    return Unavailable(
        _("PostgreSQL does not answer at {url}.").format(url=where),
        why=why,
        hint="chatai config show --origin",
    )


# Of logins. What libpq says of them has no code.
_REFUSALS = (
    "authentication failed",
    "no password supplied",
    "pg_hba.conf",
    "is not permitted to log in",
    "permission denied for database",
    "is not currently accepting connections",
)


def sentence(error: psycopg2.Error) -> str:
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
        (
            psycopg2.errors.LockNotAvailable,
            psycopg2.errors.QueryCanceled,
            psycopg2.errors.DeadlockDetected,
            psycopg2.errors.SerializationFailure,
            psycopg2.errors.ObjectInUse,
        ),
        _busy,
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
