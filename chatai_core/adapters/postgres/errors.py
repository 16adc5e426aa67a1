"""What psycopg2 raises, in the operator's words."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
import psycopg2.errors

from chatai_core.adapters.postgres.addresses import masked, no_address
from chatai_core.errors import AccessRefused, BadData, Busy, ChataiError, DatabaseMissing, Misconfigured, Unavailable
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
    if isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError):
        return _not_connected(where, why)
    if isinstance(error, psycopg2.ProgrammingError) and error.pgcode is None and "dsn" in str(error):
        return no_address(_("libpq cannot read it."))  # what libpq says holds the password
    return None


def _not_connected(where: str, why: str) -> ChataiError:
    low = why.lower()
    if low.startswith("invalid "):  # a port that is no number, an unknown sslmode
        return no_address(why)
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
        return Busy(
            _("PostgreSQL at {url} has no free connection.").format(url=where),
            why=why,
            hint="DATABASE_URL=postgresql://postgres@… chatai db connections",  # a superuser has places of his own
        )
    return Unavailable(
        _("PostgreSQL does not answer at {url}.").format(url=where),
        why=why,
        hint="chatai config show --origin",
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
