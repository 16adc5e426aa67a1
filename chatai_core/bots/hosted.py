"""One bot in a worker process: read, connected, polled, and stopped with its answers given."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from telegram import Update

from chatai_core.adapters import telegram
from chatai_core.bots import conversation
from chatai_core.bots.backoff import Backoff
from chatai_core.bots.instances import NoBot
from chatai_core.bots.lanes import Lanes
from chatai_core.bots.receiver import Receiver
from chatai_core.bots.to_run import Runnable
from chatai_core.bots.wire import Observed, State
from chatai_core.errors import ChataiError, Unavailable
from chatai_core.i18n import _

logger = logging.getLogger("bots.worker")

CHATS_AT_ONCE = 20  # of one bot, so that a busy one leaves room for the others


@dataclass(frozen=True, slots=True)
class House:
    """What all bots of a process share; ``read`` fetches one from the database, ``answer`` asks the model."""

    api_url: str
    session: telegram.Session
    read: Callable[[int], Awaitable[Runnable]]
    answer: conversation.Answer


class Hosted:
    """One bot that runs in this process until ``stop``."""

    def __init__(self, id: int, house: House, report: Callable[[Observed], None]) -> None:
        """Every change of what is observed goes to ``report``."""
        self.id = id
        self.lanes = Lanes(asyncio.Semaphore(CHATS_AT_ONCE))
        self._house = house
        self._report = report
        self._receiver: Receiver | None = None
        self._last: Observed | None = None
        self._observe("starting")
        self._task = asyncio.create_task(self._run())

    @property
    def gave_up(self) -> bool:
        """Whether it does nothing any more: revoked, or gone from the database."""
        return self._task.done()

    async def stop(self, seconds: float) -> None:
        """Receive nothing more, finish the answers in hand for at most so long, say that it is stopped."""
        self._task.cancel()
        await asyncio.wait([self._task])
        if self._receiver is not None:
            await self._receiver.finish(seconds)
        self._observe("stopped")

    async def _run(self) -> None:
        backoff = Backoff(first=1.0, most=300.0, stable=600.0)
        while True:
            try:
                self._receiver = self._receiver or self._assembled(await self._house.read(self.id))
                await self._receiver.run()
                return
            except NoBot:
                self._observe("stopped")
                return
            except ChataiError as error:
                logger.warning("bot %s: error at its start: %s", self.id, error)
                self._observe("degraded" if isinstance(error, Unavailable) else "crashed", str(error))
            except Exception as error:  # one bot's bug must not harm the others
                logger.exception("bot %s: error, it starts again", self.id)
                self._observe("crashed", _("A bug: {error}.").format(error=type(error).__name__))
            await asyncio.sleep(backoff.pause(time.monotonic()))

    def _assembled(self, bot: Runnable) -> Receiver:
        client = telegram.Bot(bot.token.reveal(), api_url=self._house.api_url, shared=self._house.session)
        application = conversation.application(client, bot, self._house.answer)

        async def connect() -> None:
            await application.initialize()
            await client.delete_webhook()  # with one, Telegram refuses polls

        async def handle(raw: dict[str, Any]) -> None:
            try:
                update = Update.de_json(raw, client)
            except Exception:  # a message of a new kind spoils only itself
                logger.exception("bot %s: error, update %s cannot be read", bot.id, raw.get("update_id"))
            else:
                await application.process_update(update)

        return Receiver(bot.id, client, self.lanes, connect=connect, handle=handle, observe=self._observe)

    def _observe(self, state: State, error: str | None = None) -> None:
        last = self._last
        if last is None or (state, error) != (last.state, last.error):
            since = last.since if last is not None and last.state == state else datetime.now(UTC)
            self._last = Observed(self.id, state, since, error)
            self._report(self._last)
