"""Migrations: at which version the database's tables are, and how they get to another."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from chatai_core import migrations
from chatai_core.findings import Survey
from chatai_core.i18n import _
from chatai_core.migrations import ATTEMPTS, LOCK_TIMEOUT, WAIT, Authored, Migrated, Terms
from chatai_ops import options
from chatai_ops.app import Commands
from chatai_ops.ask import Planned
from chatai_ops.streams import note

if TYPE_CHECKING:
    from chatai_core.installation import Installation

app = Commands(_("Change the database's tables from version to version."))

Up = Annotated[str, typer.Argument(metavar="REV", help=_("head, +N, or the first letters of a revision."))]
Down = Annotated[str, typer.Argument(metavar="REV", help=_("base, -N, or the first letters of a revision."))]
Range = Annotated[str, typer.Argument(metavar="[A:]REV", help=_("Up or down to REV, from A or from the database's."))]
Message = Annotated[str, typer.Option("--message", "-m", metavar="MSG", help=_("What the migration does, in a line."))]
Auto = Annotated[bool, typer.Option("--autogenerate", help=_("Write what the models have and the database has not."))]
Wait = Annotated[
    float, typer.Option(min=0, max=options.DAY, metavar="SECONDS", help=_("How long another migration is waited for."))
]
Lock = Annotated[
    float,
    typer.Option(
        "--lock-timeout",
        min=0.001,
        max=options.DAY,
        metavar="SECONDS",
        help=_("How long a table's lock is waited for."),
    ),
]
Attempts = Annotated[int, typer.Option(min=1, max=100, metavar="N", help=_("How often all is tried for its locks."))]
NoBackup = Annotated[bool, typer.Option("--no-backup", help=_("Upgrade production without a recent backup."))]


@app.command(explains=True, examples=["chatai migrate current --json"])
def current(chatai: "Installation") -> migrations.Current:
    """The revision of the database, and whether it is the newest.

    A database of a former ChatAI has none; what an upgrade would do with it is said.
    """
    return migrations.current(chatai.database)


@app.command(explains=True, examples=["chatai migrate history"])
def history(chatai: "Installation") -> list[migrations.Revision]:
    """All revisions, the newest first, and which of them the database is at."""
    return migrations.history(chatai.database)


@app.command(
    changes=True,
    explains=True,
    examples=["chatai migrate upgrade --dry-run", "chatai migrate upgrade", "chatai migrate upgrade +1"],
)
def upgrade(
    chatai: "Installation",
    revision: Up = "head",
    no_backup: NoBackup = False,
    wait: Wait = WAIT,
    lock_timeout: Lock = LOCK_TIMEOUT,
    attempts: Attempts = ATTEMPTS,
) -> Planned[Migrated]:
    """Bring the database up to the newest revision, or to REV: all of it or nothing.

    A former ChatAI's database is adopted with all its data. In production it asks first, and wants a verified backup
    of the last hours (CHATAI_BACKUP_HOURS).

    One migration runs at a time; exit code 75 when another one, or who uses a table, does not end.
    """
    terms = _terms(chatai, wait, lock_timeout, attempts)
    plan = migrations.plan_upgrade(chatai.database_url, revision, terms)
    production = chatai.settings.in_production and bool(plan.steps)
    refused = migrations.refusal(plan, hours=chatai.settings.database.backup_hours) if production else None
    carry_out = partial(migrations.carry_out, chatai.database_url, plan, terms)
    return Planned(plan, carry_out, asks=production, refused=None if no_backup else refused)


@app.command(
    changes=True,
    explains=True,
    examples=["chatai migrate downgrade -1 --dry-run", "chatai migrate downgrade 0001 --confirm chatai"],
)
def downgrade(
    chatai: "Installation",
    revision: Down,
    wait: Wait = WAIT,
    lock_timeout: Lock = LOCK_TIMEOUT,
    attempts: Attempts = ATTEMPTS,
) -> Planned[Migrated]:
    """Bring the database down to REV; the data of tables and columns that go is lost.

    Asks for the database's name first; a script gives it with --confirm, or --yes.
    """
    terms = _terms(chatai, wait, lock_timeout, attempts)
    plan = migrations.plan_downgrade(chatai.database_url, revision, terms)
    carry_out = partial(migrations.carry_out, chatai.database_url, plan, terms)
    return Planned(plan, carry_out, name=plan.database if plan.steps else None, yes_will_do=True)


@app.command(changes=True, explains=True, examples=["chatai migrate stamp 0001 --dry-run"])
def stamp(chatai: "Installation", revision: Up, wait: Wait = WAIT) -> Planned[Migrated]:
    """Write down that the tables are those of REV, and change none of them. Asks first.

    For a database that has its tables from elsewhere, as from a dump without alembic_version.
    """
    terms = _terms(chatai, wait, LOCK_TIMEOUT, ATTEMPTS)
    plan = migrations.plan_stamp(chatai.database_url, revision, terms)
    return Planned(plan, partial(migrations.stamp, chatai.database_url, plan, terms), asks=True)


@app.command(
    watch=False,
    empty=_("The database is there already: there is nothing to run."),
    examples=[
        "chatai migrate sql 0001:head > upgrade.sql",
        "chatai migrate sql | psql -v ON_ERROR_STOP=1 $DATABASE_URL",
    ],
)
def sql(chatai: "Installation", revision: Range = "head") -> list[str]:
    """The SQL of a migration, for psql: one transaction, under the same lock, refused by a database that is elsewhere.

    With A:REV no database is asked; A is base or a revision.
    """
    return migrations.written(revision, lambda: chatai.database)


@app.command(changes=True, examples=['chatai migrate revision -m "add the table of invoices" --autogenerate'])
def revision(chatai: "Installation", message: Message, autogenerate: Auto = False) -> Planned[Authored]:
    """Write a new migration into the checkout's alembic/versions.

    With --autogenerate it is what brings the database, which must be at the newest revision, to the models.
    """
    plan = migrations.plan_author(message)
    url = lambda: chatai.database_url  # noqa: E731
    return Planned(plan, partial(migrations.author, url, message, autogenerate=autogenerate))


@app.command(examples=["chatai migrate check", "chatai migrate check --json"])
def check(chatai: "Installation") -> Survey:
    """Whether the tables are what this version of ChatAI expects."""
    return migrations.check(chatai.database_url)


def _terms(chatai: "Installation", wait: float, lock_timeout: float, attempts: int) -> Terms:
    return Terms(
        wait=wait,
        lock_timeout=lock_timeout,
        attempts=attempts,
        cipher=lambda: chatai.cipher,
        backups=chatai.settings.backup_dir,
        say=note,
    )
