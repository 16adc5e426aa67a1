"""Where a database stands among the migrations."""

from dataclasses import dataclass
from datetime import datetime

from chatai_core.adapters.postgres import Database
from chatai_core.errors import Misconfigured
from chatai_core.i18n import _
from chatai_core.migrations import scripts


@dataclass(frozen=True, slots=True)
class Current:
    """The revision of a database (None: it has none), and the newest one of this installation."""

    revision: str | None
    head: str
    is_head: bool


@dataclass(frozen=True, slots=True)
class Revision:
    """One migration; ``is_current`` is None where no database was asked."""

    revision: str
    down_revision: str | None
    message: str
    date: datetime | None
    is_current: bool | None


def current(database: Database | str) -> Current:
    """Where this database stands. Takes its URL, or a ``Database`` that is open already."""
    revision, head = revision_of(database), scripts.chain()[-1].revision
    return Current(revision, head, revision == head)


def history(database: Database | str | None = None) -> list[Revision]:
    """All migrations, the newest first; with a database, which of them it is at."""
    at = None if database is None else revision_of(database)
    return [
        Revision(
            script.revision,
            script.down_revision,
            script.message,
            script.date,
            None if database is None else script.revision == at,
        )
        for script in reversed(scripts.chain())
    ]


def revision_of(database: Database | str) -> str | None:
    """The revision that the database says it has; None when it has no migration."""
    if isinstance(database, str):
        opened = Database(database)
        try:
            return revision_of(opened)
        finally:
            opened.close()
    if not database.value("SELECT to_regclass('alembic_version') IS NOT NULL"):
        return None
    found = database.rows(lambda version_num: str(version_num), "SELECT version_num FROM alembic_version")
    if len(found) > 1:
        raise Misconfigured(
            _("The database is at {count} revisions at once.").format(count=len(found)),
            why=_("alembic_version holds {revisions}.").format(revisions=", ".join(sorted(found))),
            hint="chatai migrate history",
        )
    return found[0] if found else None
