"""The entry of the bot manager: ``chatai bots manager``, or ``python -m chatai_core.bot_manager`` beside a server."""

import asyncio
import sys

import uvloop

from chatai_core import journal
from chatai_core.adapters import children
from chatai_core.bots import instances
from chatai_core.bots.manager import Manager
from chatai_core.errors import ChataiError
from chatai_core.installation import Installation
from chatai_core.settings import Secret


def run(chatai: Installation, *, port: int | None = None, workers: int | None = None) -> None:
    """Run the manager until SIGTERM or Ctrl-C, its records also on stderr; ``workers`` bounds their number.

    Raises Busy when the port is taken, and whatever keeps the databases from starting.
    """
    settings = chatai.settings
    journal.open(
        settings.log_dir,
        service="bot-manager",
        level=settings.journal.level,
        format=settings.journal.format,
        stderr=True,
    )
    manager = Manager(
        read=lambda: instances.all(chatai.database),
        set_active=lambda id, wanted: instances.set_active(chatai.orm, id, wanted),
        key=Secret(chatai.internal_key),
        environment=chatai.environment(),
        port=settings.server.manager_port if port is None else port,
        workers=workers,
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(manager.run())


def main() -> int:
    """Run the manager of the installation that the environment describes; the exit code.

    With ``--tied`` it ends when its standard input does: whoever started it is gone.
    """
    if "--tied" in sys.argv[1:]:
        children.end_with_stdin()
    try:
        with Installation() as chatai:
            run(chatai)
    except ChataiError as error:
        sys.stderr.write(f"bot_manager: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
