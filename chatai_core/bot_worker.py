"""The entry of a worker process: ``python -m chatai_core.bot_worker``, started by the bot manager alone."""

import asyncio
import logging
import sys
from concurrent.futures import ThreadPoolExecutor

import uvloop

from chatai_core import journal
from chatai_core.adapters import telegram
from chatai_core.adapters.children import Parent
from chatai_core.adapters.completions import Completions
from chatai_core.bots import to_run, worker
from chatai_core.bots.answering import Answering
from chatai_core.bots.hosted import House
from chatai_core.chat.reply import Means
from chatai_core.errors import ChataiError
from chatai_core.installation import Installation

logger = logging.getLogger("bots.worker")

THREADS = 16  # that ask the database


def main() -> int:
    """Host bots until the manager says to stop, or dies; the exit code."""
    parent = Parent()
    try:
        with Installation(pooled=True) as chatai:
            settings = chatai.settings
            journal.open(
                settings.log_dir, service="bot-worker", level=settings.journal.level, format=settings.journal.format
            )
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_host(chatai, parent))
    except ChataiError as error:
        logger.error("worker failed: %s", error)
        sys.stderr.write(f"bot_worker: {error}\n")
        return 1
    return 0


async def _host(chatai: Installation, parent: Parent) -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))
    settings = chatai.settings
    completions = Completions(settings.openai.base_url, timeout=settings.openai.timeout)
    means = Means(chatai.database, chatai.cipher, completions, env=settings.openai.api_key)

    async def read(id: int) -> to_run.Runnable:
        return await asyncio.to_thread(to_run.read, chatai.database, chatai.cipher, id)

    async with telegram.session(settings.telegram.api_url) as session:
        house = House(settings.telegram.api_url, session, read, Answering(means))
        await worker.run(house, parent)
    await completions.close()


if __name__ == "__main__":
    sys.exit(main())
