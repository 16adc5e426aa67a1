"""Telling a database of the former ChatAI from others."""

from dataclasses import dataclass

from chatai_core.adapters.postgres import Database, question
from chatai_core.errors import Misconfigured
from chatai_core.i18n import _
from chatai_core.migrations.adoption import former


@dataclass(frozen=True, slots=True)
class Former:
    """A database that has tables of ChatAI and no revision of this one.

    ``missing`` names the tables and columns that a former ChatAI had and this database lacks; ``is_ours`` when its
    tokens are encrypted already.
    """

    revision: str | None
    missing: list[str]
    is_ours: bool

    @property
    def is_adoptable(self) -> bool:
        """Whether it is what it looks like."""
        return not (self.missing or self.is_ours)

    def note(self) -> str:
        """What an operator must know of it, in a sentence."""
        if self.is_ours:
            return _("It has ChatAI's tables, with encrypted tokens, and no revision: alembic_version was lost.")
        if self.missing:
            return _("It has tables of ChatAI, and lacks what a former ChatAI had: {missing}.").format(
                missing=", ".join(self.missing)
            )
        return _("It is the database of a former ChatAI ({revision}); an upgrade adopts it with all its data.").format(
            revision=self.revision or _("without a revision")
        )

    def require_adoptable(self) -> None:
        """Refuse what cannot be adopted. Raises Misconfigured."""
        if not self.is_adoptable:
            raise Misconfigured(
                _("This database cannot be upgraded."),
                why=self.note(),
                hint="chatai migrate stamp REV" if self.is_ours else "chatai config show --origin",
            )


@dataclass(frozen=True, slots=True)
class _Columns:
    table: str
    columns: list[str]


def look(database: Database, revision: str | None) -> Former | None:
    """What is there of a former ChatAI, in a database with no revision or with one of its; None: nothing."""
    found = {row.table: row.columns for row in database.rows(_Columns, question(__file__), tables=list(former.TABLES))}
    if not found and revision is None:
        return None
    table, column = former.SEALED
    return Former(revision, list(_missing(found)), column in found.get(table, ()))


def _missing(found: dict[str, list[str]]) -> list[str]:
    tables = [table for table in former.TABLES if table not in found]
    columns = [f"{table}.{name}" for table in found for name in former.TABLES[table] if name not in found[table]]
    return [*(_("the table {name}").format(name=table) for table in tables), *columns]
