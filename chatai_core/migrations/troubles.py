"""What may go wrong in the server while its schema is looked at or changed, in the operator's words."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from chatai_core.adapters import postgres
from chatai_core.errors import BadData, ChataiError, Misconfigured, NotPermitted
from chatai_core.i18n import _

if TYPE_CHECKING:
    from sqlalchemy.exc import DBAPIError


# A table, index, column or other thing is there already, or is not there.
_OTHERWISE = {"42P07", "42701", "42710", "42P01", "42703", "42704"}

# Somebody's trigger raises; a column, an index or a function that is not ours stands in the way.
_REFUSED = {"P0001", "0A000", "42P17"}


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


def no_schema(url: str, path: str = "") -> Misconfigured:
    """Why nothing can be made: of the schemas in search_path none is there, or none is the role's to use."""
    return Misconfigured(
        _("The database {name} has no schema for ChatAI's tables.").format(name=postgres.name_of(url)),
        why=_("None of its search_path ({path}) exists and may be used by this role.").format(
            path=path or '"$user", public'
        ),
        hint=postgres.psql.command(url, "CREATE SCHEMA public"),
    )


def is_contention(error: "DBAPIError") -> bool:
    """Whether it failed for a lock (lock_timeout, deadlock), which another attempt may get."""
    return getattr(error.orig, "pgcode", None) in {"55P03", "40P01"}


def _in_words(error: "DBAPIError", url: str) -> ChataiError | None:
    said = str(error.orig).strip().partition("\n")[0] + "."
    code = getattr(error.orig, "pgcode", None)
    return (
        _of_pgvector(code, said, url)
        or _of_tables(code, said, str(error.orig).strip().replace("\n", " "), url)
        or postgres.as_ours(error.orig, url)  # type: ignore[arg-type]  # SQLAlchemy wraps nothing but psycopg2.Error
    )


def _of_pgvector(code: str | None, said: str, url: str) -> ChataiError | None:
    name = postgres.name_of(url)
    if '"vector"' in said and code == "42501":
        return NotPermitted(
            _("The database {name} has no extension vector, and this role may not create it.").format(name=name),
            why=said,
            hint=postgres.psql.command(url, "CREATE EXTENSION vector", user="postgres"),
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
            hint=postgres.psql.command(url, "ALTER EXTENSION vector UPDATE", user="postgres"),
        )
    return None


def _of_tables(code: str | None, said: str, in_full: str, url: str) -> ChataiError | None:
    name = postgres.name_of(url)
    if code == "3F000":
        return no_schema(url)
    if code == "2BP01":
        return Misconfigured(
            _("Something in {name} that ChatAI did not make needs what would go; nothing was changed.").format(
                name=name
            ),
            why=in_full,
        )
    if code in _OTHERWISE:
        return Misconfigured(
            _("The tables of {name} are not those of its revision; nothing was changed.").format(name=name),
            why=said,
            hint="chatai migrate check",
        )
    if code in _REFUSED:
        return Misconfigured(
            _("The server of {name} refuses a statement of the migration; nothing was changed.").format(name=name),
            why=in_full,
            hint="chatai migrate upgrade --dry-run",
        )
    if code and code.startswith("23"):
        return BadData(_("Rows of {name} do not fit its new schema; nothing was changed.").format(name=name), why=said)
    return None
