"""chatai demo: everything at work, offline, in front of the user."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from chatai_core import demo as show
from chatai_core.i18n import _
from chatai_ops.app import Commands

if TYPE_CHECKING:
    from chatai_core.installation import Installation

app = Commands()

Keep = Annotated[bool, typer.Option("--keep", help=_("Leave it running and say how to use it."))]


@app.command(watch=False, examples=["chatai demo", "chatai demo --keep"])
def demo(chatai: "Installation", keep: Keep = False) -> Iterator[str]:
    """Show the whole system at work, offline, in a home of its own."""
    return show.play(keep=keep)
