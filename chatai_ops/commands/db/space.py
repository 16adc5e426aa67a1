"""What takes the space: tables, indexes, and what of them could go."""

from typing import TYPE_CHECKING, Annotated

import typer

from chatai_core import database as db
from chatai_core.i18n import _
from chatai_ops import options
from chatai_ops.app import Commands
from chatai_ops.commands.db import panels

if TYPE_CHECKING:
    from chatai_core.installation import Installation

app = Commands()

Schema = Annotated[str | None, typer.Option("--schema", metavar="NAME", help=_("Only this schema."))]


@app.command(
    panel=panels.SPACE,
    explains=True,
    empty=_("The database has no tables."),
    examples=["chatai db tables -n 5", "chatai db tables --json"],
)
def tables(chatai: "Installation", limit: options.LimitOrAll = None, schema: Schema = None) -> "list[db.tables.Table]":
    """Tables by the space they take, the largest first."""
    return db.tables.largest(chatai.reports, limit=limit, schema=schema)
