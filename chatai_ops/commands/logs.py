"""What the logs say."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chatai_core import logs
from chatai_core.i18n import _
from chatai_ops import options
from chatai_ops.app import Commands

if TYPE_CHECKING:
    from chatai_core.installation import Installation

app = Commands(_("What the logs say: errors first."))

Files = Annotated[
    list[Path] | None,
    typer.Option("--file", metavar="FILE", help=_("Read this file in place of api.log (repeatable; - is stdin).")),
]


@app.command(
    empty=_("No errors."),
    examples=["chatai logs errors", "chatai logs errors --since 2h -n 50", "zcat old.gz | chatai logs errors --file -"],
)
def errors(
    chatai: "Installation",
    limit: options.Limit = 20,
    since: options.Since = None,
    until: options.Until = None,
    file: Files = None,
) -> logs.Records:
    """The last records of level ERROR or CRITICAL, each with its traceback, oldest first."""
    return logs.errors(chatai.settings.log_dir, files=file or (), limit=limit, since=since, until=until)
