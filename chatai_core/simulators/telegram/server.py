"""The server of the Bot API: finds the bot and the method, plays the faults, counts."""

import asyncio
import math
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import web

from chatai_core.simulators.bell import Bell
from chatai_core.simulators.faults import Fault, Faults
from chatai_core.simulators.loopback import LocalServer, Refusal, cut, json_response
from chatai_core.simulators.telegram import control
from chatai_core.simulators.telegram.bots import Bot
from chatai_core.simulators.telegram.calls import Arguments, Failure, arguments_of, too_many
from chatai_core.simulators.telegram.limits import Throttle
from chatai_core.simulators.telegram.methods import Described, Methods
from chatai_core.simulators.telegram.updates import conflict

FAULTS = frozenset(
    {"slow", "hang", "error", "rate_limit", "conflict", "unauthorized", "cut", "cut_after", "broken_json"}
)

_REASONS = {500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}
_KEPT_CALLS = 5000
_HANG_SECONDS = 3600
_UNAUTHORIZED = Failure(401, "Unauthorized")


@dataclass(frozen=True, slots=True)
class Call:
    """One call that was answered: kept for those who ask what a bot did; getUpdates is only counted."""

    number: int
    at: float
    bot: int
    method: str
    status: int
    parameters: dict[str, Any]


class Telegram:
    """Telegram's Bot API on a port of this machine.

    ``keep`` is the number of messages remembered for each bot, ``webhook_pause`` the unit of the waits between two
    tries of a webhook (Telegram: 1 s, doubled each time).
    """

    def __init__(self, *, keep: int = 1000, webhook_pause: float = 1.0) -> None:
        self.bots: dict[str, Bot] = {}
        self.throttle = Throttle()
        self.faults = Faults(FAULTS, {"bot", "method", "chat_id"})
        self.methods = Methods(self.throttle, webhook_pause)
        self.calls: deque[Call] = deque(maxlen=_KEPT_CALLS)
        self.called = Bell()
        self._by_id: dict[int, Bot] = {}
        self._keep = keep
        self._count = 0
        self._server = LocalServer()
        self._server.app.router.add_route("*", "/bot{token}/{method}", self._answer)
        self.faults.routes(self._server.app)
        control.add_routes(self._server.app, self)
        self._server.app.router.add_route("*", "/{rest:.*}", _not_found)

    @property
    def url(self) -> str:
        """The address to which ``/bot<token>/<method>`` is appended."""
        return self._server.url

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> None:
        """Listen; afterwards ``url`` is the address. Raises Busy when the port is taken."""
        await self._server.start(port, host)

    async def stop(self) -> None:
        """End the webhooks and close the port."""
        await self.methods.stop()
        await self._server.stop()

    def add_bot(self, token: str, *, username: str = "", first_name: str = "", sees_all: bool = False) -> Bot:
        """Make a token valid, or valid again; a bot's new token ends its old one. Raises Refusal for what is none."""
        number, _, secret = token.partition(":")
        if not (number.isdecimal() and int(number) > 0 and secret) or "/" in token or len(token) > 80:
            raise Refusal(400, "a token is <number>:<secret>")
        known = self.bots.get(token)
        if known is not None and not (known.is_revoked or known.is_logged_out):
            return known
        names = {"username": username or f"bot{number}_bot", "first_name": first_name or f"Bot {number}"}
        bot = self.bots[token] = Bot(token, **names, sees_all=sees_all, keep=self._keep)
        self._replace(self._by_id.get(bot.id), bot)
        return bot

    def _replace(self, before: Bot | None, bot: Bot) -> None:
        """A bot has one token: a new one ends the old one."""
        self._by_id[bot.id] = bot
        if before is not None:
            before.is_revoked = True
            before.updates.end_poll(_UNAUTHORIZED)
            bot.inherit(before)

    def bot(self, bot_id: int) -> Bot:
        """The bot of this id, with its newest token; raises Refusal when there is none."""
        bot = self._by_id.get(bot_id)
        if bot is None:
            raise Refusal(404, f"no bot {bot_id} is registered")
        return bot

    async def remove(self, bot: Bot) -> None:
        """Revoke the token and forget the bot."""
        await self.revoke(bot)
        del self.bots[bot.token], self._by_id[bot.id]

    async def revoke(self, bot: Bot) -> None:
        """Make the token invalid: all calls, also those that wait, are answered with 401."""
        bot.is_revoked = True
        await self.methods.retire(bot, _UNAUTHORIZED)

    async def _answer(self, request: web.Request) -> web.Response:
        bot = self.bots.get(request.match_info["token"])
        method = self.methods.name(request.match_info["method"])
        arguments = Arguments({})
        try:
            arguments = await arguments_of(request)
            answer = await self._answer_call(request, bot, method, arguments)
            status = 200
        except Failure as failure:
            status = failure.code
            headers = {"Retry-After": str(failure.retry_after)} if failure.retry_after else None
            answer = json_response(failure.body(), status=status, headers=headers)
        if bot is not None:
            self._remember(bot, method, status, arguments)
        return answer

    async def _answer_call(
        self, request: web.Request, bot: Bot | None, method: str, arguments: Arguments
    ) -> web.Response:
        if bot is None or bot.is_revoked:
            raise _UNAUTHORIZED
        if bot.is_logged_out:
            raise Failure(400, "Logged out")
        if not bot.first_call:
            self.throttle.admit_bot(request.headers.get("X-Real-IP") or request.remote or "")
            bot.first_call = time.monotonic()
        if not method:
            raise Failure(404, "Not Found: method not found")
        fault = await self._suffer(bot, method, arguments)
        if fault == "cut":
            return cut(request)
        body = _body(await self.methods.perform(bot, method, arguments))
        if fault == "cut_after":
            return cut(request)
        return json_response(body[: len(body) // 2] if fault == "broken_json" else body)

    async def _suffer(self, bot: Bot, method: str, arguments: Arguments) -> str:
        """Play the next fault of this call; those that concern the answer are only named."""
        chat = arguments.text("chat_id")
        for fault in self.faults.striking(bot=str(bot.id), method=method, chat_id=chat):
            if fault.kind == "slow":
                await asyncio.sleep(fault.seconds)
            elif fault.kind == "hang":
                await asyncio.sleep(_HANG_SECONDS)
            elif fault.kind in {"cut", "cut_after", "broken_json"}:
                return fault.kind
            else:
                raise _failure(fault)
        return ""

    def _remember(self, bot: Bot, method: str, status: int, arguments: Arguments) -> None:
        bot.calls[method or "unknown", status] += 1
        if method != "getUpdates":
            self._count += 1
            self.calls.append(Call(self._count, time.time(), bot.id, method, status, arguments.values))
            self.called.ring()


def _failure(fault: Fault) -> Failure:
    if fault.kind == "rate_limit":
        return too_many(max(1, math.ceil(fault.seconds)))
    if fault.kind == "conflict":
        return conflict("terminated by other getUpdates request; make sure that only one bot instance is running")
    if fault.kind == "unauthorized":
        return _UNAUTHORIZED
    return Failure(fault.status, _REASONS.get(fault.status, "Internal Server Error"))


def _body(result: object) -> bytes:
    answer: dict[str, object] = {"ok": True, "result": result}
    if isinstance(result, Described):
        answer = {"ok": True, "result": result.result, "description": result.description}
    return msgspec.json.encode(answer)


async def _not_found(request: web.Request) -> web.Response:
    return json_response(Failure(404, "Not Found").body(), status=404)
