"""What may go wrong in the server while its schema is looked at or changed, in the operator's words."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from chatai_core.adapters import postgres
from chatai_core.errors import Busy, ChataiError, Misconfigured, NotPermitted
from chatai_core.i18n import _

if TYPE_CHECKING:
    from sqlalchemy.exc import DBAPIError


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
    if code == "55P03":
        return Busy(
            _("A table that the migration of {name} changes is in use; nothing was changed.").format(name=name),
            why=said,
            hint=_psql(url, "SELECT pid, state, query FROM pg_stat_activity WHERE datname = current_database()"),
        )
    return postgres.as_ours(error.orig, url)  # type: ignore[arg-type]  # SQLAlchemy wraps nothing but psycopg2.Error


def _psql(url: str, statement: str, *, user: str | None = None) -> str:
    """The command that asks this server: as the URL's user unless told."""
    address = urlsplit(postgres.libpq(url))
    options = {"-U": user or address.username, "-h": address.hostname, "-p": address.port, "-d": postgres.name_of(url)}
    words = [word for option, value in options.items() if value for word in (option, str(value))]
    return shlex.join(["psql", *words, "-c", statement])
