"""A settings file to begin with."""

from functools import partial
from typing import TYPE_CHECKING

from chatai_core import configuration
from chatai_core.configuration import Written
from chatai_ops.app import Commands
from chatai_ops.ask import Planned

if TYPE_CHECKING:
    from chatai_core.installation import Installation

app = Commands()


@app.command(changes=True, examples=["chatai init", "chatai init --dry-run"])
def init(chatai: "Installation") -> Planned[Written]:
    """Write .env in this directory, with every setting explained and keys of its own.

    A .env that exists is never overwritten. Keys that development has made in CHATAI_HOME are taken over, so that what
    they sealed stays readable.
    """
    path = configuration.here() / ".env"
    return Planned(configuration.plan_file(path), partial(configuration.write_file, path))
