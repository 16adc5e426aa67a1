"""Options that mean the same in every command."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from chatai_core import __version__, times
from chatai_core.i18n import _
from chatai_ops.look import CheckFormat, Color, Format, choose_color
from chatai_ops.streams import write

EVERYWHERE = _("Everywhere")
MOST = 1_000_000_000  # of anything that is counted: PostgreSQL, and what Python asks of the system, have their limits
DAY = 86_400  # seconds; nobody waits longer


def _colored(value: Color | None) -> Color | None:
    choose_color(value)
    return value


def _version(value: bool) -> bool:
    if value:
        write(f"chatai {__version__}\n")
        raise typer.Exit(0)
    return value


Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=MOST, metavar="N", help=_("Show at most N."))]
LimitOrAll = Annotated[
    int | None, typer.Option("--limit", "-n", min=1, max=MOST, metavar="N", help=_("Show at most N."))
]
Follow = Annotated[bool, typer.Option("--follow", "-f", help=_("Go on showing what is new."))]
Since = Annotated[
    datetime | None,
    typer.Option(
        "--since", metavar="WHEN", parser=times.moment, help=_("From then on: 10m, 2h, yesterday, 2025-09-04 10:00.")
    ),
]
Until = Annotated[datetime | None, typer.Option("--until", metavar="WHEN", parser=times.moment, help=_("Up to then."))]
TokenStdin = Annotated[bool, typer.Option("--token-stdin", help=_("Read the token from standard input."))]
TokenFile = Annotated[
    Path | None, typer.Option("--token-file", metavar="FILE", help=_("Read the token from this file."))
]
PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help=_("Read the password from standard input."))]

# What app.py adds by itself:
Output = Annotated[
    Format | None,
    typer.Option("--output", "-o", help=_("How the answer is written."), rich_help_panel=EVERYWHERE),
]
CheckOutput = Annotated[
    CheckFormat | None,
    typer.Option("--output", "-o", help=_("How the verdict is written."), rich_help_panel=EVERYWHERE),
]
Json = Annotated[bool, typer.Option("--json", help=_("The same as -o json."), rich_help_panel=EVERYWHERE)]
Colors = Annotated[
    Color | None,
    typer.Option(
        "--color", help=_("Colours; auto unless told."), rich_help_panel=EVERYWHERE, is_eager=True, callback=_colored
    ),
]
Watch = Annotated[
    float | None,
    typer.Option(
        "--watch",
        "-w",
        min=0,
        max=DAY,
        metavar="[SECONDS]",
        help=_("Ask again every 2 or so many seconds."),
        rich_help_panel=EVERYWHERE,
    ),
]
Profile = Annotated[
    str | None,
    typer.Option("--profile", metavar="NAME", help=_("Read .env.NAME in place of .env."), rich_help_panel=EVERYWHERE),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help=_("Show what would be done and stop."), rich_help_panel=EVERYWHERE)
]
Explain = Annotated[
    bool,
    typer.Option("--explain", help=_("Show the SQL in place of running it."), rich_help_panel=EVERYWHERE),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help=_("Do not ask."), rich_help_panel=EVERYWHERE)]
Confirm = Annotated[
    str | None,
    typer.Option(
        "--confirm",
        metavar="NAME",
        help=_("Agree in a script by giving the name asked for."),
        rich_help_panel=EVERYWHERE,
    ),
]
Version = Annotated[
    bool, typer.Option("--version", help=_("Show the version and exit."), is_eager=True, callback=_version)
]
