"""Receives one bot's messages by long polling, and confirms to Telegram only what is answered.

Telegram forgets what is below the offset of a poll. The offset therefore stays at the oldest message that is not
answered yet: after a crash Telegram delivers it again. While something is in hand the polls are short, so that a slow
answer in one chat does not keep the others waiting.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from telegram.error import TelegramError

from chatai_core.bots.lanes import Lanes
from chatai_core.bots.troubles import Troubles
from chatai_core.bots.wire import State

logger = logging.getLogger("bots.worker")

LONG_POLL = 30  # seconds
SHORT_POLL_EVERY = 0.5  # seconds, while messages are in hand
_CONFIRMING = 3.0  # seconds

Raw = dict[str, Any]


class Bot(Protocol):
    """What the receiver needs of a bot."""

    async def raw_updates(self, *, offset: int | None, timeout: int) -> list[Raw]:
        """Poll; confirms everything below ``offset``."""


class Receiver:
    """One bot's polls, until it is cancelled or the token turns out to be revoked."""

    def __init__(
        self,
        bot_id: int,
        bot: Bot,
        lanes: Lanes,
        *,
        connect: Callable[[], Awaitable[None]],
        handle: Callable[[Raw], Awaitable[None]],
        observe: Callable[[State, str | None], None],
    ) -> None:
        """``connect`` introduces the bot before the first poll; ``observe`` is told every state that is seen."""
        self._bot_id = bot_id
        self._bot = bot
        self._lanes = lanes
        self._connect = connect
        self._handle = handle
        self._observe = observe
        self._troubles = Troubles()
        self._connected = False
        self._running = False
        self._newest: int | None = None

    async def run(self) -> None:
        """Receive; returns when trying again is useless."""
        while True:
            try:
                await self._step()
            except TelegramError as error:
                trouble = self._troubles.read(error)
                self._running = False
                self._observe(trouble.state, trouble.error)
                if trouble.pause is None:
                    return
                await asyncio.sleep(trouble.pause)

    async def finish(self, seconds: float) -> None:
        """After ``run`` is cancelled: answer what is in hand, for so long, and confirm what is answered."""
        if not await self._lanes.finish(seconds):
            logger.warning("bot %s: some messages were not answered in %g s; they come again", self._bot_id, seconds)
        if not self._running or self._offset is None:
            return
        try:
            async with asyncio.timeout(_CONFIRMING):
                await self._bot.raw_updates(offset=self._offset, timeout=0)
        except (TelegramError, TimeoutError) as error:
            logger.warning("bot %s: answered messages may come again, they were not confirmed: %s", self._bot_id, error)

    async def _step(self) -> None:
        if not self._connected:
            await self._connect()
            self._connected = True
        # Only a poll that has come back shows that the bot runs, so the first one does not wait.
        waits = self._running and not self._lanes.in_hand
        updates = await self._bot.raw_updates(offset=self._offset, timeout=LONG_POLL if waits else 0)
        self._troubles.over()
        self._running = True
        self._observe("running", None)
        for update in updates:
            self._accept(update)
        await self._lanes.progress(SHORT_POLL_EVERY)

    @property
    def _offset(self) -> int | None:
        if self._newest is None:
            return None
        return self._newest + 1 if self._lanes.oldest is None else self._lanes.oldest

    def _accept(self, update: Raw) -> None:
        number = int(update["update_id"])
        if self._newest is None or number > self._newest:
            self._newest = number
            self._lanes.put(number, lane_of(update), lambda: self._handle(update))


def lane_of(update: Raw) -> int:
    """The chat that an update belongs to; 0 when it belongs to none."""
    chat = (update.get("message") or {}).get("chat") or {}
    return int(chat.get("id", 0))
