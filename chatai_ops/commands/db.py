"""chatai db: the database, its sizes, its backups."""

from typing import TYPE_CHECKING, Annotated

import typer

from chatai_core.backups import creation
from chatai_core.database import tables as sizes
from chatai_core.i18n import _
from chatai_ops import ask, options
from chatai_ops.app import Commands

if TYPE_CHECKING:
    from chatai_core.installation import Installation
    from chatai_core.restore_points import RestorePoint

app = Commands(_("The database: sizes, backups, what it is busy with."))

Schema = Annotated[str | None, typer.Option("--schema", metavar="NAME", help=_("Only this schema."))]


@app.command(empty=_("The database has no tables."), examples=["chatai db tables -n 5", "chatai db tables --json"])
def tables(chatai: "Installation", limit: options.LimitOrAll = None, schema: Schema = None) -> list[sizes.Table]:
    """Tables by the space they take, the largest first."""
    return sizes.largest(chatai.database, limit=limit, schema=schema)


@app.command(changes=True, examples=["chatai db backup", "chatai db backup --json"])
def backup(chatai: "Installation") -> "ask.Planned[RestorePoint]":
    """Back up the database: a pg_dump archive, read again before it counts, with a manifest."""
    directory = chatai.settings.backup_dir
    return ask.change(
        _("Back up the database into {directory}.").format(directory=directory),
        lambda: creation.create(
            chatai.database, directory, key_id=chatai.cipher.key_id, embedded=chatai.postgres_programs
        ),
    )
