"""Delivery to a webhook: one update of a lane at a time, again and again until it is taken.

Messages of one chat share a lane, so do the button presses of one user; a press and a message may overtake each
other, as with Telegram. ``max_connections=1`` gives one order for everything.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec

from chatai_core.simulators.telegram.bots import Bot, now
from chatai_core.simulators.telegram.calls import Arguments, bad
from chatai_core.simulators.telegram.updates import Update

_LONGEST_PAUSE = 60.0
_LONGEST_RETRY_AFTER = 3600
_ANSWER_SECONDS = 60
_SECRET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a bot wants its updates, as setWebhook says it."""

    url: str
    secret: str
    connections: int

    @classmethod
    def asked_for(cls, arguments: Arguments) -> "Address":
        """Read and check the parameters; http and any port are fine, as for Telegram's server with ``--local``."""
        url, secret = arguments.text("url"), arguments.text("secret_token")
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise bad("invalid webhook URL specified")
        if len(secret) > 256:
            raise bad("secret token is too long")
        if not _SECRET.issuperset(secret):
            raise bad("secret token contains unallowed characters")
        return cls(url, secret, arguments.integer("max_connections", 40, 1, 100_000))


class Webhook:
    """Delivers the updates of one bot; ``pause`` is the unit of the waits between tries, in seconds."""

    def __init__(
        self,
        bot: Bot,
        address: Address,
        session: aiohttp.ClientSession,
        pause: float,
        perform: Callable[[str, Arguments], object],
    ) -> None:
        self.address = address
        self.last_error = ""
        self.last_error_date = 0
        self._bot, self._session, self._pause, self._perform = bot, session, pause, perform
        self._lanes: dict[int, deque[Update]] = {}
        self._free = asyncio.Semaphore(address.connections)
        self._tasks: set[asyncio.Task[None]] = set()
        for update in bot.updates:
            self._add(update)
        bot.updates.listener = self._add

    async def stop(self) -> None:
        """End the delivery; what was not taken stays with the bot."""
        self._bot.updates.listener = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def info(self) -> dict[str, Any]:
        """What getWebhookInfo tells beside the number of waiting updates."""
        told: dict[str, Any] = {"url": self.address.url, "max_connections": self.address.connections}
        if self.last_error:
            told |= {"last_error_date": self.last_error_date, "last_error_message": self.last_error}
        return told

    def _add(self, update: Update) -> None:
        lane = self._lanes.setdefault(update.lane, deque())
        lane.append(update)
        if len(lane) == 1:
            task = asyncio.get_running_loop().create_task(self._serve(update.lane, lane))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, number: int, lane: deque[Update]) -> None:
        while lane:
            await self._deliver(lane[0])
            self._bot.updates.forget(lane[0].id)
            lane.popleft()
        del self._lanes[number]

    async def _deliver(self, update: Update) -> None:
        pause, failures = 1.0, 0
        while (retry_after := await self._post(update)) is not None:
            if not retry_after and failures:  # the second try comes at once
                pause = min(random.uniform(_LONGEST_PAUSE, 2 * _LONGEST_PAUSE), pause * 2)
            failures += 1
            await asyncio.sleep(retry_after or (pause * self._pause if failures > 1 else 0))

    async def _post(self, update: Update) -> float | None:
        """Try once; None when it was taken, else the seconds that the webhook asked to wait."""
        headers = {"Content-Type": "application/json"}
        if self.address.secret:
            headers["X-Telegram-Bot-Api-Secret-Token"] = self.address.secret
        try:
            async with (
                self._free,
                self._session.post(
                    self.address.url, data=update.body, headers=headers, allow_redirects=False
                ) as response,
            ):
                answer = await response.read()
                if 200 <= response.status <= 299:
                    self._obey(answer)
                    return None
                self._failed(f"Wrong response from the webhook: {response.status} {response.reason}")
                return _retry_after(response.headers.get("Retry-After", ""))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._failed("Connection failed" if isinstance(error, OSError) else "Webhook connection closed")
            return 0.0

    def _failed(self, why: str) -> None:
        self.last_error, self.last_error_date = why, now()

    def _obey(self, answer: bytes) -> None:
        """A webhook may answer with a call, whose result nobody learns."""
        try:
            arguments = Arguments(msgspec.json.decode(answer, type=dict[str, Any])) if answer else Arguments({})
        except msgspec.MsgspecError:
            return
        method = arguments.text("method").lower()
        if method and not method.startswith("get") and method not in {"setwebhook", "deletewebhook", "close", "logout"}:
            self._perform(method, arguments)


def session() -> aiohttp.ClientSession:
    """A client for all webhooks of a simulator."""
    connector = aiohttp.TCPConnector(limit=0, ssl=False)  # self-signed certificates are welcome
    return aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=_ANSWER_SECONDS))


def _retry_after(header: str) -> float:
    return float(min(int(header), _LONGEST_RETRY_AFTER)) if header.isdecimal() else 0.0
