"""All bots and the worker processes that host them: the desired states carried out, the observed ones kept."""

import asyncio
import itertools
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime

from chatai_core.bots import wire
from chatai_core.bots.instances import Bot, no_bot
from chatai_core.bots.status import BotStatus, Status, WorkerStatus
from chatai_core.bots.supervisor import Launch, Supervised
from chatai_core.errors import Busy, ChataiError, Unavailable
from chatai_core.i18n import _

logger = logging.getLogger("bots.manager")

IDLE = 60.0  # seconds after which a worker without bots ends

Read = Callable[[], list[Bot]]


class Fleet:
    """One manager's bots and workers."""

    def __init__(self, read: Read, launch: Launch, *, at_most: int) -> None:
        """``read`` gives every bot with its desired state; ``at_most`` bounds the number of workers.

        ``tried`` is set when the database was asked for the first time: before that nothing is known.
        """
        self._read = read
        self._launch = launch
        self._at_most = max(1, at_most)
        self._numbers = itertools.count(1)
        self._workers: list[Supervised] = []
        self._host: dict[int, Supervised] = {}
        self._bots: dict[int, Bot] = {}
        self._observed: dict[int, wire.Observed] = {}
        self._database_error: str | None = None
        self._started_at = datetime.now(UTC)
        self._one_at_a_time = asyncio.Lock()
        self._ended = False
        self.tried = asyncio.Event()
        self._farewells: set[asyncio.Task[None]] = set()

    async def reconcile(self) -> None:
        """Make what runs what is desired. Raises when the database cannot be asked: then all goes on as it is."""
        async with self._one_at_a_time:
            if self._ended:
                raise Busy(_("The bot manager ends."), hint="chatai bots manager")
            known = self._bots
            self._bots = await self._wanted()
            for id, bot in self._bots.items():
                if bot.desired == "running":
                    self._run(bot, known.get(id))
            for id in [id for id in self._host if not self._is_wanted(id)]:
                self._host.pop(id).stop(id)
            self._dismiss_idle()
            self._observed = {id: seen for id, seen in self._observed.items() if id in self._bots}

    def start_again(self, id: int) -> None:
        """Let a bot try again that gave up; nothing happens to one that runs."""
        if id in self._host:
            if self._observed[id].state in {"revoked", "stopped"}:
                self._observe(wire.Observed(id, "starting", datetime.now(UTC)))
            self._host[id].start(id)

    def restart(self, id: int) -> None:
        """Stop a bot that runs and start it again."""
        if id in self._host:
            self._restart(id)

    async def end(self) -> None:
        """End all workers; the answers in hand are finished first."""
        async with self._one_at_a_time:
            self._ended = True
            await asyncio.gather(*(worker.end() for worker in self._workers), *self._farewells)

    @property
    def database_error(self) -> str | None:
        """Why the desired states could not be read the last time."""
        return self._database_error

    def bot(self, id: int) -> BotStatus:
        """One bot. Raises NotFound; Unavailable when it may be there and the database does not tell."""
        if id not in self._bots:
            if self.database_error is not None:
                raise Unavailable(_("Whether there is a bot {id} is not known.").format(id=id), why=self.database_error)
            raise no_bot(id)
        return self._status_of(self._bots[id])

    def status(self) -> Status:
        """The whole fleet."""
        return Status(
            pid=os.getpid(),
            started_at=self._started_at,
            database_error=self.database_error,
            bots=[self._status_of(bot) for bot in self._bots.values()],
            workers=self.workers(),
        )

    def workers(self) -> list[WorkerStatus]:
        """The worker processes."""
        return [worker.status() for worker in self._workers]

    async def _wanted(self) -> dict[int, Bot]:
        try:
            bots = await asyncio.to_thread(self._read)
        except ChataiError as error:
            if self._database_error is None:
                logger.error("database error, the bots go on as they are: %s", error)
            self._database_error = str(error)
            raise
        finally:
            self.tried.set()
        if self._database_error is not None:
            logger.info("the database answers again")
            self._database_error = None
        return {bot.id: bot for bot in bots}

    def _is_wanted(self, id: int) -> bool:
        return id in self._bots and self._bots[id].desired == "running"

    def _run(self, bot: Bot, known: Bot | None) -> None:
        host = self._host.get(bot.id)
        if host is None:
            self._host[bot.id] = host = self._host_for(bot.id)
            self._observe(wire.Observed(bot.id, "starting", datetime.now(UTC)))
            host.start(bot.id)
        elif known is not None and (known.updated_at, known.assistant) != (bot.updated_at, bot.assistant):
            logger.info("bot %d was changed, it starts again", bot.id)
            self._restart(bot.id)

    def _restart(self, id: int) -> None:
        self._observe(wire.Observed(id, "starting", datetime.now(UTC)))
        self._host[id].restart(id)

    def _host_for(self, id: int) -> Supervised:
        """The worker that still finishes this bot's answers; a new one while there may be more; else the emptiest."""
        for worker in self._workers:
            if id in worker.stopping:
                return worker
        if len(self._workers) < self._at_most and all(worker.bots for worker in self._workers):
            self._workers.append(Supervised(next(self._numbers), self._launch, self._observe))
        return min(self._workers, key=lambda worker: len(worker.bots))

    def _dismiss_idle(self) -> None:
        """End the workers that have had nothing to do for a while."""
        for worker in [worker for worker in self._workers if worker.idle_seconds > IDLE]:
            self._workers.remove(worker)
            farewell = asyncio.create_task(worker.end())
            self._farewells.add(farewell)
            farewell.add_done_callback(self._farewells.discard)

    def _observe(self, seen: wire.Observed) -> None:
        last = self._observed.get(seen.bot)
        self._observed[seen.bot] = seen
        if last is None or last.state != seen.state:
            level = logging.INFO if seen.state in {"starting", "running", "stopped"} else logging.WARNING
            logger.log(level, "bot %d is %s%s", seen.bot, seen.state, f": {seen.error}" if seen.error else "")

    def _status_of(self, bot: Bot) -> BotStatus:
        seen, host = self._observed.get(bot.id), self._host.get(bot.id)
        state: wire.State = seen.state if seen else "stopped"
        return BotStatus(
            id=bot.id,
            type=bot.platform,
            assistant=bot.assistant,
            platform=bot.platform,
            active=state == "running",
            pid=host.pid if host else None,
            name=bot.name,
            desired=bot.desired,
            state=state,
            worker=host.number if host else None,
            since=seen.since if seen else None,
            error=seen.error if seen else None,
        )
