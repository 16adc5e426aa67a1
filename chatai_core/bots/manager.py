"""The bot manager: keeps the fleet as it is desired, and answers on 127.0.0.1:3001 what is observed."""

import asyncio
import contextlib
import hmac
import logging
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chatai_core.adapters import children
from chatai_core.adapters.web import Answer, Request, Route, serving
from chatai_core.bots import instances, metrics
from chatai_core.bots.client import KEY_HEADER
from chatai_core.bots.fleet import Fleet, Read
from chatai_core.bots.instances import NoBot
from chatai_core.errors import (
    Busy,
    ChataiError,
    NotPermitted,
    Unauthenticated,
)
from chatai_core.i18n import _
from chatai_core.settings import Secret

logger = logging.getLogger("bots.manager")

RECONCILE_EVERY = 30.0  # seconds
LOOK_EVERY = 2.0  # seconds, whether the database is back
_STATUSES = {Unauthenticated: 401, NotPermitted: 403, NoBot: 404, Busy: 409, ChataiError: 503}


@dataclass(frozen=True, slots=True)
class Manager:
    """What the manager is made of.

    ``read`` gives every bot with its desired state, ``set_active`` changes it; ``environment`` is what the worker
    processes are given: it tells them where PostgreSQL and the keys are. ``workers`` bounds their number.
    """

    read: Read
    set_active: Callable[[int, bool], object]
    key: Secret
    environment: Mapping[str, str]
    host: str = "127.0.0.1"
    port: int = 3001
    workers: int | None = None

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT. Raises Busy when the port is taken."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        fleet = Fleet(self.read, self._launch, at_most=self.workers or os.cpu_count() or 1)
        async with serving(_Api(self, fleet).routes(), host=self.host, port=self.port) as port:
            logger.info("bot manager listens on %s:%d", self.host, port)
            try:
                await _reconcile_until(stop, fleet)
            finally:
                logger.info("bot manager ends: the answers in hand are finished first")
                await fleet.end()

    async def _launch(self) -> children.Child:
        # Without this python-telegram-bot warns each time that Telegram asks to wait.
        environment = {**self.environment, "PTB_TIMEDELTA": "true"}
        return await children.start([sys.executable, "-m", "chatai_core.bot_worker"], environment)


async def _reconcile_until(stop: asyncio.Event, fleet: Fleet) -> None:
    """Every so often, sooner while the database is away; what is wrong is told in /status."""
    next_at = 0.0
    while not stop.is_set():
        if time.monotonic() >= next_at or fleet.database_error is not None:
            next_at = time.monotonic() + RECONCILE_EVERY
            with contextlib.suppress(ChataiError):
                await fleet.reconcile()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), LOOK_EVERY)


class _Api:
    """What the manager answers."""

    def __init__(self, manager: Manager, fleet: Fleet) -> None:
        self._manager = manager
        self._fleet = fleet

    def routes(self) -> list[Route]:
        """Reading is open on the loopback; changing needs the internal key."""
        changes = {"start": self._start, "stop": self._stop, "restart": self._restart}
        return [
            Route("GET", "/status", _answering(self._status)),
            Route("GET", "/workers", _answering(self._workers)),
            Route("GET", "/metrics", self._metrics),
            Route("GET", "/bots/{id}", _answering(self._show)),
            Route("POST", "/reconcile", self._guarded(self._reconcile)),
            *(Route("POST", f"/bots/{{id}}/{verb}", self._guarded(act)) for verb, act in changes.items()),
        ]

    async def _status(self, request: Request) -> Any:
        await self._fleet.tried.wait()
        status = self._fleet.status()
        bots = [bot for bot in status.bots if bot.desired == "running" or bot.state != "stopped"]
        manager = {"pid": status.pid, "started_at": status.started_at, "database_error": status.database_error}
        return {"totalBots": len(bots), "bots": bots, **manager, "workers": status.workers}

    async def _workers(self, request: Request) -> Any:
        workers = self._fleet.workers()
        return {
            "totalWorkers": len(workers),
            "totalRestarts": sum(worker.restarts for worker in workers),
            "workers": {str(worker.worker): worker for worker in workers},
        }

    async def _metrics(self, request: Request) -> Answer:
        return Answer(metrics.text(self._fleet.status()), content_type=metrics.CONTENT_TYPE)

    async def _show(self, request: Request) -> Any:
        await self._fleet.tried.wait()
        return self._fleet.bot(_id(request))

    async def _reconcile(self, request: Request) -> Any:
        await self._fleet.reconcile()
        return await self._status(request)

    async def _start(self, request: Request) -> Any:
        await self._desire(_id(request), True)
        self._fleet.start_again(_id(request))
        return await self._show(request)

    async def _stop(self, request: Request) -> Any:
        await self._desire(_id(request), False)
        return await self._show(request)

    async def _restart(self, request: Request) -> Any:
        await self._desire(_id(request), True)
        self._fleet.restart(_id(request))
        return await self._show(request)

    async def _desire(self, id: int, wanted: bool) -> None:
        await asyncio.to_thread(self._manager.set_active, id, wanted)
        await self._fleet.reconcile()

    def _guarded(self, act: Callable[[Request], Awaitable[Any]]) -> Callable[[Request], Awaitable[Answer]]:
        async def guarded(request: Request) -> Any:
            given = request.headers.get(KEY_HEADER, "").encode()
            if not hmac.compare_digest(given, self._manager.key.reveal().encode()):
                logger.warning("401 for %s: the internal key is missing or wrong", request.path)
                raise Unauthenticated(
                    _("The bot manager does not accept the key."),
                    why=_("The header {header} must carry CHATAI_INTERNAL_KEY.").format(header=KEY_HEADER),
                    hint="chatai config show --origin",
                )
            return await act(request)

        return _answering(guarded)


def _answering(find: Callable[[Request], Awaitable[Any]]) -> Callable[[Request], Awaitable[Answer]]:
    """What was found as JSON; an error as its status and its sentences."""

    async def answer(request: Request) -> Answer:
        try:
            return Answer(await find(request))
        except ChataiError as error:
            status = next(_STATUSES[kind] for kind in type(error).__mro__ if kind in _STATUSES)
            return Answer({"detail": error.what, "why": error.why, "hint": error.hint}, status)

    return answer


def _id(request: Request) -> int:
    return instances.number(request.parameters["id"])
