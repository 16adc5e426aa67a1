"""The backend API."""

from typing import TYPE_CHECKING, Annotated

import typer

from chatai_core.i18n import _
from chatai_ops import streams
from chatai_ops.app import Commands

if TYPE_CHECKING:
    from chatai_core.installation import Installation

app = Commands()

Host = Annotated[str | None, typer.Option(metavar="ADDRESS", help=_("Address to listen on (CHATAI_HOST)."))]
Port = Annotated[int | None, typer.Option(min=0, max=65535, help=_("Port; 0 takes a free one (CHATAI_PORT)."))]
Workers = Annotated[int | None, typer.Option(min=1, max=64, help=_("Backend processes (CHATAI_WORKERS)."))]
Bots = Annotated[bool, typer.Option("--bots/--no-bots", help=_("Run the bot manager beside it."))]
ManagerPort = Annotated[
    int | None, typer.Option(min=1, max=65535, help=_("Port of the bot manager (CHATAI_MANAGER_PORT)."))
]


@app.command(watch=False, examples=["chatai serve", "chatai serve --bots", "chatai serve --port 8080 --workers 2"])
def serve(
    chatai: "Installation",
    host: Host = None,
    port: Port = None,
    workers: Workers = None,
    bots: Bots = False,
    manager_port: ManagerPort = None,
) -> None:
    """Run the backend API until SIGTERM or Ctrl-C; documentation of the API at /docs.

    In development it brings PostgreSQL and Redis of its own when none are configured, and migrates the database.
    """
    from chatai_core.server import serving  # FastAPI and more, for this command alone

    serving.serve(
        chatai, serving.overrides(host, port, workers, manager_port if bots else None), bots=bots, say=streams.note
    )
