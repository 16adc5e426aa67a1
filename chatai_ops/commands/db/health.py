"""One verdict over all of it."""

from typing import TYPE_CHECKING, Annotated

import typer

from chatai_core.findings import Survey
from chatai_core.i18n import _
from chatai_ops.app import Commands
from chatai_ops.commands.db import panels

if TYPE_CHECKING:
    from chatai_core.installation import Installation

app = Commands()

Stats = Annotated[bool, typer.Option("--stats", help=_("Say what the survey itself has cost."))]


@app.command(
    panel=panels.HEALTH,
    explains=True,
    examples=["chatai db health", "chatai db health -o nagios", "chatai db health --stats"],
)
def health(chatai: "Installation", stats: Stats = False) -> Survey:
    """Everything the reports show, judged: exit code 0 ok, 1 warning, 2 critical, 3 unknown.

    The limits are settings (DB_LIMIT_…); docs/database.md says why each is what it is.
    """
    from chatai_core.health import database  # threads, settings and every report: no other command needs them

    return database.survey(chatai, costed=stats)
