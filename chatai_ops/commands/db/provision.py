"""Making a database ready for ChatAI."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chatai_core import database as db
from chatai_core.errors import Misused
from chatai_core.i18n import _
from chatai_ops import ask
from chatai_ops.app import Commands
from chatai_ops.commands.db import panels

if TYPE_CHECKING:
    from chatai_core.installation import Installation

app = Commands()

AdminUrl = Annotated[
    str | None,
    typer.Option(
        "--admin-url", metavar="URL", help=_("A superuser, without his password, which PGPASSWORD or ~/.pgpass has.")
    ),
]
AdminUrlFile = Annotated[
    Path | None, typer.Option("--admin-url-file", metavar="FILE", help=_("Read the superuser's URL from this file."))
]
SetPassword = Annotated[
    bool, typer.Option("--set-password", help=_("Give a role that exists already the password of DATABASE_URL."))
]


@app.command(
    panel=panels.UPKEEP,
    changes=True,
    explains=True,
    examples=["chatai db setup --dry-run", "chatai db setup --admin-url postgresql://postgres@localhost/postgres"],
)
def setup(
    chatai: "Installation",
    admin_url: AdminUrl = None,
    admin_url_file: AdminUrlFile = None,
    set_password: SetPassword = False,
) -> "ask.Planned[db.setup.plans.Ready]":
    """Make what DATABASE_URL asks for: the role, the database, its right to make tables, the extension vector.

    What is there already is left as it is. As root or postgres on the server's machine no superuser's URL is needed.
    """
    admin = _administrator(admin_url, admin_url_file)
    plan = db.setup.plans.plan(chatai.database_url, admin, set_password=set_password)
    return ask.Planned(plan, lambda: db.setup.plans.carry_out(chatai.database_url, plan), refused=plan.refusal)


def _administrator(url: str | None, file: Path | None) -> "db.setup.administrators.Administrator | None":
    if file is not None and url is not None:
        raise Misused(_("The superuser was given in two ways."), hint="--admin-url-file FILE")
    if file is not None:
        return db.setup.administrators.given(ask.secret(_("The URL"), file=file), as_argument=False)
    return None if url is None else db.setup.administrators.given(url, as_argument=True)
