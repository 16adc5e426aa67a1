"""What may go wrong in the server while its schema is looked at or changed, in the operator's words."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from chatai_core.adapters import postgres
from chatai_core.errors import BadData, ChataiError, Misconfigured, NotPermitted
from chatai_core.i18n import _

if TYPE_CHECKING:
    from sqlalchemy.exc import DBAPIError


# A table, index, column or other thing is there already, or is not there.
_OTHERWISE = {"42P07", "42701", "42710", "42P01", "42703", "42704"}


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Errors of the server, in the operator's words."""
    from sqlalchemy.exc import DBAPIError

    try:
        yield
    except DBAPIError as error:
        ours = _in_words(error, url)
        if ours is None:
            raise
        raise ours from error


def is_contention(error: "DBAPIError") -> bool:
    """Whether it failed for a lock (lock_timeout, deadlock), which another attempt may get."""
    return getattr(error.orig, "pgcode", None) in {"55P03", "40P01"}


def _in_words(error: "DBAPIError", url: str) -> ChataiError | None:
    said = str(error.orig).strip().partition("\n")[0] + "."
    code = getattr(error.orig, "pgcode", None)
    name = postgres.name_of(url)
    if '"vector"' in said and code == "42501":
        return NotPermitted(
            _("The database {name} has no extension vector, and this role may not create it.").format(name=name),
            why=said,
            hint=_psql(url, "CREATE EXTENSION vector", user="postgres"),
        )
    if '"vector"' in said and code in {"0A000", "58P01"}:
        return Misconfigured(
            _("The PostgreSQL server of {name} has no pgvector.").format(name=name),
            why=said,
            hint="apt install postgresql-$(pg_config --version | grep -o '[0-9]*' | head -1)-pgvector",
        )
    if '"hnsw"' in said and code == "42704":
        return Misconfigured(
            _("The extension vector of {name} is too old: it has no HNSW indexes.").format(name=name),
            why=said,
            hint=_psql(url, "ALTER EXTENSION vector UPDATE", user="postgres"),
        )
    if code == "2BP01":
        return Misconfigured(
            _("Something in {name} that ChatAI did not make needs what would go; nothing was changed.").format(
                name=name
            ),
            why=str(error.orig).strip().replace("\n", " "),
        )
    if code in _OTHERWISE:
        return Misconfigured(
            _("The tables of {name} are not those of its revision; nothing was changed.").format(name=name),
            why=said,
            hint="chatai migrate check",
        )
    if code and code.startswith("23"):
        return BadData(_("Rows of {name} do not fit its new schema; nothing was changed.").format(name=name), why=said)
    return postgres.as_ours(error.orig, url)  # type: ignore[arg-type]  # SQLAlchemy wraps nothing but psycopg2.Error


def _psql(url: str, statement: str, *, user: str | None = None) -> str:
    """The command that asks this server: as the URL's user unless told."""
    address = urlsplit(postgres.libpq(url))
    options = {"-U": user or address.username, "-h": address.hostname, "-p": address.port, "-d": postgres.name_of(url)}
    words = [word for option, value in options.items() if value for word in (option, str(value))]
    return shlex.join(["psql", *words, "-c", statement])
