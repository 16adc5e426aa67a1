"""A worker process: hosts a shard of the bots, obeys the manager, and tells it what it observes."""

import asyncio
import itertools
import logging
import signal
from collections.abc import Awaitable, Callable

from chatai_core.adapters.children import Parent
from chatai_core.bots import wire
from chatai_core.bots.hosted import Hosted, House
from chatai_core.bots.lanes import Lanes

logger = logging.getLogger("bots.worker")

LAST_WORDS = 15.0  # seconds that the answers in hand get when a bot or the process stops
BEAT_EVERY = 5.0  # seconds


class Worker:
    """The bots of this process."""

    def __init__(self, house: House, report: Callable[[wire.Report], None]) -> None:
        """``report`` tells the manager."""
        self.drained = asyncio.Event()
        self._house = house
        self._report = report
        self._bots: dict[int, Hosted] = {}
        # Orders for one bot are carried out one after the other, those for different bots at the same time.
        self._orders = Lanes(asyncio.Semaphore(1000))
        self._numbers = itertools.count()
        self._ending: asyncio.Task[None] | None = None

    def obey(self, command: wire.Command) -> None:
        """Do what the manager asks, in its time."""
        if isinstance(command, wire.Drain):
            self.drain()
        elif isinstance(command, wire.Start):
            self._order(command.bot, self._start)
        else:
            self._order(command.bot, self._stop)

    def drain(self) -> None:
        """Stop every bot; ``drained`` is set when the last answer is given."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._end())

    async def beat(self) -> None:
        """Tell the manager again and again that the event loop is alive."""
        while True:
            self._report(wire.Beat(sum(bot.lanes.in_hand for bot in self._bots.values())))
            await asyncio.sleep(BEAT_EVERY)

    def _order(self, id: int, act: Callable[[int], Awaitable[None]]) -> None:
        self._orders.put(next(self._numbers), id, lambda: act(id))

    async def _start(self, id: int) -> None:
        running = self._bots.get(id)
        if self._ending is not None or (running is not None and not running.gave_up):
            return
        self._bots[id] = Hosted(id, self._house, self._report)

    async def _stop(self, id: int) -> None:
        bot = self._bots.pop(id, None)
        if bot is not None:
            await bot.stop(LAST_WORDS)

    async def _end(self) -> None:
        for id in list(self._bots):
            self._order(id, self._stop)
        await self._orders.finish(LAST_WORDS + 5.0)
        self.drained.set()


async def run(house: House, parent: Parent) -> None:
    """Host bots until the manager, or SIGTERM, asks to drain."""
    worker = Worker(house, lambda report: parent.tell(wire.line(report)))
    parent.listen(lambda line: worker.obey(wire.command(line)))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, worker.drain)
    beats = asyncio.create_task(worker.beat())
    await worker.drained.wait()
    beats.cancel()
