"""What one bot has in hand: in a chat one message after the other, many chats at once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable

logger = logging.getLogger("bots.worker")

Work = Callable[[], Awaitable[None]]


class Lanes:
    """The messages that were received and are not answered yet."""

    def __init__(self, at_once: asyncio.Semaphore) -> None:
        """``at_once`` bounds how many chats are answered at the same moment."""
        self._at_once = at_once
        self._last: dict[Hashable, asyncio.Task[None]] = {}
        self._in_hand: dict[int, asyncio.Task[None]] = {}

    def put(self, update_id: int, lane: Hashable, work: Work) -> None:
        """Do this after everything that the same lane holds already."""
        task = asyncio.create_task(self._run(self._last.get(lane), work))
        self._last[lane] = self._in_hand[update_id] = task
        task.add_done_callback(lambda done: self._forget(update_id, lane, done))

    @property
    def in_hand(self) -> int:
        """How many messages are not answered yet."""
        return len(self._in_hand)

    @property
    def oldest(self) -> int | None:
        """The lowest update id among them."""
        return min(self._in_hand, default=None)

    async def progress(self, seconds: float) -> None:
        """Wait until one of them is answered, at most this long."""
        if self._in_hand:
            await asyncio.wait(self._in_hand.values(), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)

    async def finish(self, seconds: float) -> bool:
        """Wait until all are answered; after this long the rest is given up, and False returned."""
        tasks = list(self._in_hand.values())
        if not tasks:
            return True
        _done, late = await asyncio.wait(tasks, timeout=seconds)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)
        return not late

    async def _run(self, before: asyncio.Task[None] | None, work: Work) -> None:
        if before is not None:
            await asyncio.wait([before])
        async with self._at_once:
            try:
                await work()
            except Exception:  # the lane goes on with what comes next
                logger.exception("error in work of a bot")

    def _forget(self, update_id: int, lane: Hashable, done: asyncio.Task[None]) -> None:
        if self._last[lane] is done:
            del self._last[lane]
        if not done.cancelled():  # what was given up stays unanswered, so that it is not confirmed
            del self._in_hand[update_id]
