"""One worker process, kept alive: started again when it dies or falls silent."""

import asyncio
import logging
import signal
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import msgspec

from chatai_core.adapters.children import Child
from chatai_core.bots import wire
from chatai_core.bots.backoff import Backoff
from chatai_core.bots.status import WorkerStatus
from chatai_core.bots.worker import BEAT_EVERY, LAST_WORDS
from chatai_core.i18n import _

logger = logging.getLogger("bots.manager")

SILENCE = 6 * BEAT_EVERY  # seconds without a beat after which a worker counts as hung
_TERMINATED = 3.0  # seconds between SIGTERM and SIGKILL

Launch = Callable[[], Awaitable[Child]]


class Supervised:
    """The process with this number, and the bots that it should host."""

    def __init__(self, number: int, launch: Launch, observe: Callable[[wire.Observed], None]) -> None:
        """``observe`` is told every bot's state, also when the process dies."""
        self.number = number
        self.bots: set[int] = set()
        self.stopping: set[int] = set()
        self._launch = launch
        self._observe = observe
        self._backoff = Backoff(first=1.0, most=300.0, stable=600.0)
        self._child: Child | None = None
        self._started_at: datetime | None = None
        self._last_beat: datetime | None = None
        self._in_hand = 0
        self._restarts = 0
        self._ending = False
        self._busy_at = time.monotonic()
        self._task = asyncio.create_task(self._keep_alive())

    @property
    def pid(self) -> int | None:
        """The process, while it lives."""
        return self._child.pid if self._child else None

    @property
    def idle_seconds(self) -> float:
        """For how long it has had no bot."""
        return 0.0 if self.bots or self.stopping else time.monotonic() - self._busy_at

    def status(self) -> WorkerStatus:
        """What is known of the process."""
        return WorkerStatus(
            worker=self.number,
            pid=self.pid,
            bots=sorted(self.bots),
            restarts=self._restarts,
            started_at=self._started_at,
            last_beat=self._last_beat,
            in_hand=self._in_hand,
        )

    def start(self, bot: int) -> None:
        """Host this bot; one that gave up tries again."""
        self.bots.add(bot)
        self._tell(wire.Start(bot))

    def stop(self, bot: int) -> None:
        """Host this bot no longer; its answers in hand are finished first."""
        self.bots.discard(bot)
        self.stopping.add(bot)
        self._busy_at = time.monotonic()
        self._tell(wire.Stop(bot))
        if self._child is None:
            self._say_stopped()

    def restart(self, bot: int) -> None:
        """Stop a bot and start it again, read from the database once more."""
        self._tell(wire.Stop(bot))
        self.start(bot)

    async def end(self) -> None:
        """Let the answers in hand finish and end the process; what does not end is terminated, then killed."""
        self._ending = True
        self.stopping |= self.bots
        self._tell(wire.Drain())
        for seconds, harder in ((LAST_WORDS + 8.0, Child.terminate), (_TERMINATED, Child.kill)):
            if self._child is None:
                self._task.cancel()
            _done, late = await asyncio.wait([self._task], timeout=seconds)
            if late and self._child is not None:
                logger.warning("worker %d does not end: %s", self.number, harder.__name__)
                harder(self._child)
        await asyncio.wait([self._task])
        self._say_stopped()

    def _tell(self, command: wire.Command) -> None:
        if self._child is not None:
            self._child.send(wire.line(command))

    async def _keep_alive(self) -> None:
        while True:
            end = await self._life()
            self._say_stopped()
            if self._ending:
                return
            pause = self._backoff.pause(time.monotonic())
            logger.error("worker %d failed: %s It is started again in %.1f s.", self.number, end, pause)
            for bot in self.bots:
                self._observe(_seen(bot, "crashed", end))
            await asyncio.sleep(pause)
            self._restarts += 1

    async def _life(self) -> str:
        """One life of the process; how it ended."""
        try:
            child = self._child = await self._launch()
        except OSError as error:
            return _("The worker process cannot be started: {reason}.").format(reason=error.strerror or error)
        logger.info("worker %d started, pid %d", self.number, child.pid)
        self._started_at = self._last_beat = datetime.now(UTC)
        for bot in sorted(self.bots):
            self._observe(_seen(bot, "starting"))
            self._tell(wire.Start(bot))
        await self._hear(child)
        code = await child.wait()
        self._child, self._in_hand = None, 0
        return _ended(code)

    async def _hear(self, child: Child) -> None:
        try:
            async for line in child.lines(silence=SILENCE):
                self._take(line)
        except TimeoutError:
            logger.error("worker %d failed: silent for %g s; it is killed", self.number, SILENCE)
            child.kill()

    def _take(self, line: bytes) -> None:
        try:
            report = wire.report(line)
        except msgspec.DecodeError:
            logger.error("worker %d failed to speak: %r", self.number, line[:200])
            return
        self._last_beat = datetime.now(UTC)
        if isinstance(report, wire.Beat):
            self._in_hand = report.in_hand
            return
        if report.state == "stopped":
            self.stopping.discard(report.bot)
        self._observe(report)

    def _say_stopped(self) -> None:
        """The bots that were being stopped are stopped, now that there is no process to say it."""
        while self.stopping:
            self._observe(_seen(self.stopping.pop(), "stopped"))


def _seen(bot: int, state: wire.State, error: str | None = None) -> wire.Observed:
    return wire.Observed(bot, state, datetime.now(UTC), error)


def _ended(code: int) -> str:
    """How a process ended.

    >>> _ended(-9), _ended(3)
    ('The worker process was ended by SIGKILL.', 'The worker process ended with code 3.')
    """
    if code < 0:
        return _("The worker process was ended by {signal}.").format(signal=signal.Signals(-code).name)
    return _("The worker process ended with code {code}.").format(code=code)
