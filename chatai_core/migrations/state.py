"""Where a database stands among the migrations."""

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from chatai_core.adapters.postgres import Database
from chatai_core.errors import Misconfigured, NotPermitted
from chatai_core.i18n import _
from chatai_core.migrations import scripts
from chatai_core.migrations.adoption import former, recognition
from chatai_core.migrations.adoption.recognition import Former


@dataclass(frozen=True, slots=True)
class Current:
    """The revision of a database (None: it has none), and the newest one of this installation."""

    revision: str | None
    head: str
    is_head: bool


@dataclass(frozen=True, slots=True)
class FormerCurrent(Current):
    """A database that a former ChatAI has made: an upgrade adopts it, when it is whole."""

    former_revision: str | None
    adoptable: bool
    note: str


@dataclass(frozen=True, slots=True)
class Revision:
    """One migration; ``is_current`` is None where no database was asked."""

    revision: str
    down_revision: str | None
    message: str
    date: datetime | None
    is_current: bool | None


@dataclass(frozen=True, slots=True)
class Stand:
    """The revision of a database, known here or not, and what there is of a former ChatAI where it has none."""

    revision: str | None
    former: Former | None

    @property
    def place(self) -> int:
        """Its position in the chain. Raises Misconfigured when its revision is unknown."""
        return scripts.position(self.revision)


def current(database: Database | str) -> Current:
    """Where this database stands. Takes its URL, or a ``Database`` that is open already."""
    stands, head = stand(database), scripts.chain()[-1].revision
    if stands.former is None:
        return Current(stands.revision, head, stands.revision == head)
    found = stands.former
    return FormerCurrent(None, head, False, found.revision, found.is_adoptable, found.note())


def history(database: Database | str | None = None) -> list[Revision]:
    """All migrations, the newest first; with a database, which of them it is at."""
    at = None if database is None else stand(database).revision
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


def stand(database: Database | str) -> Stand:
    """The revision that the database says it has, and whether a former ChatAI has made it."""
    if isinstance(database, str):
        with closing(Database(database)) as opened:
            return stand(opened)
    written = _written(database)
    if written is not None and written not in former.REVISIONS:
        return Stand(written, None)
    return Stand(None, recognition.look(database, written))


def _written(database: Database) -> str | None:
    """What stands in alembic_version."""
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


def require_ours(database: Database | str) -> None:
    """Refuse a former ChatAI's database to what cannot adopt it: plain alembic, a file of SQL. Raises NotPermitted."""
    found = stand(database).former
    if found is not None:
        found.require_adoptable()
        raise NotPermitted(
            _("Only chatai adopts a former ChatAI's database: its tokens are encrypted on the way."),
            why=found.note(),
            hint="chatai migrate upgrade --dry-run",
        )
