"""Migrations: at which version the database's tables are, and how they get to another."""

from typing import TYPE_CHECKING, Annotated

import typer

from chatai_core import migrations
from chatai_core.findings import Survey
from chatai_core.i18n import _
from chatai_core.migrations import Migrated
from chatai_ops.app import Commands
from chatai_ops.ask import Planned

if TYPE_CHECKING:
    from chatai_core.installation import Installation

app = Commands(_("Change the database's tables from version to version."))

Wait = Annotated[float, typer.Option(min=0, metavar="SECONDS", help=_("How long another migration is waited for."))]
Up = Annotated[str, typer.Argument(metavar="REV", help=_("head, +N, or the first letters of a revision."))]
Down = Annotated[str, typer.Argument(metavar="REV", help=_("base, -N, or the first letters of a revision."))]


@app.command(examples=["chatai migrate current --json"])
def current(chatai: "Installation") -> migrations.Current:
    """The revision of the database, and whether it is the newest."""
    return migrations.current(chatai.database)


@app.command(examples=["chatai migrate history"])
def history(chatai: "Installation") -> list[migrations.Revision]:
    """All revisions, the newest first, and which of them the database is at."""
    return migrations.history(chatai.database)


@app.command(changes=True, examples=["chatai migrate upgrade", "chatai migrate upgrade +1 --dry-run"])
def upgrade(chatai: "Installation", revision: Up = "head", wait: Wait = migrations.WAIT) -> Planned[Migrated]:
    """Bring the database up to the newest revision, or to REV: all of it or nothing.

    Asks first in production. Only one migration runs at a time; exit code 75 when another one does not end.
    """
    url = chatai.database_url
    plan = migrations.plan_upgrade(url, revision)
    asks = chatai.settings.in_production and bool(plan.steps)
    return Planned(plan, lambda: migrations.carry_out(url, plan, wait=wait), asks=asks)


@app.command(changes=True, examples=["chatai migrate downgrade -1", "chatai migrate downgrade 0001 --yes"])
def downgrade(chatai: "Installation", revision: Down, wait: Wait = migrations.WAIT) -> Planned[Migrated]:
    """Bring the database down to REV; the data of tables and columns that go is lost. Asks first."""
    url = chatai.database_url
    plan = migrations.plan_downgrade(url, revision)
    return Planned(plan, lambda: migrations.carry_out(url, plan, wait=wait), asks=True)


@app.command(examples=["chatai migrate check", "chatai migrate check --json"])
def check(chatai: "Installation") -> Survey:
    """Whether the tables are what this version of ChatAI expects."""
    return migrations.check(chatai.database_url)
