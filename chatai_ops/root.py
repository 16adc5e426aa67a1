"""The root of the command: its groups, each imported when it is called, and the options before their names."""

import os
from typing import Any

import typer
import typer.main

from chatai_core.errors import Declined
from chatai_core.i18n import _
from chatai_ops import look, options
from chatai_ops.grammar import Group, Later, misused

RUN, CONFIGURE, LOOK_AFTER = _("Run"), _("Set up"), _("Look after")

# In the order of the help: the name of the module in commands/, what it is for, the panel.
TABLE = (
    ("serve", _("Run the backend API and, with --bots, the bot manager."), RUN),
    ("demo", _("Show the whole system at work, offline, in a home of its own."), RUN),
    ("init", _("Write .env with fresh keys."), CONFIGURE),
    ("config", _("Show the settings and check them."), CONFIGURE),
    ("migrate", _("Change the database's tables from version to version."), CONFIGURE),
    ("users", _("People who may log in, their tokens and passwords."), LOOK_AFTER),
    ("tokens", _("The pool of AI keys."), LOOK_AFTER),
    ("bots", _("The bots: start, stop, see what they do."), LOOK_AFTER),
    ("db", _("The database: health, sizes, what it is busy with, upkeep, backups."), LOOK_AFTER),
    ("logs", _("What the logs say: errors first."), LOOK_AFTER),
)

EXAMPLES = """\
chatai demo
chatai serve --bots
chatai logs errors --since 2h
chatai tokens list --json"""


def run(arguments: list[str], command: Any = None) -> int:
    """Carry out a command line; the exit code. Every error comes out as a ChataiError, or is a bug."""
    command = command or root()
    if "_CHATAI_COMPLETE" in os.environ:
        command.main(list(arguments), prog_name="chatai")
    try:
        with command.make_context("chatai", list(arguments)) as context:
            command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    except (typer.Abort, EOFError) as error:
        raise Declined() from error
    except typer.TyperException as error:
        raise misused(error) from error
    return 0


def root() -> Any:
    """The whole command line, with no command module imported."""
    app = typer.Typer(cls=Group, rich_markup_mode="rich" if look.is_drawn() else None)
    app.callback(
        help=_("ChatAI: backend, bots and AI keys; run them, look after them, find out what is wrong."),
        epilog=EXAMPLES,
    )(_before_the_command)
    group = typer.main.get_command(app)
    assert isinstance(group, Group)
    for name, sentence, panel in TABLE:
        group.add_command(Later(name, sentence, panel))
    return group


def _before_the_command(
    context: typer.Context,
    profile: options.Profile = None,
    color: options.Colors = None,
    version: options.Version = False,
) -> None:
    context.obj = {"profile": profile}
