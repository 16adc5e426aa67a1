"""The control interface under ``/simulator/``: bots, what people do, what was sent, limits, counters."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from chatai_core.simulators.loopback import Handler, Nothing, Refusal, control, numbers
from chatai_core.simulators.telegram import people
from chatai_core.simulators.telegram.bots import Bot
from chatai_core.simulators.telegram.limits import REAL, Limits
from chatai_core.simulators.telegram.updates import KINDS

if TYPE_CHECKING:
    from chatai_core.simulators.telegram.server import Telegram


class NewBot(msgspec.Struct, forbid_unknown_fields=True):
    """A bot to register; ``sees_all``: privacy mode is off, it reads all messages of its groups."""

    token: str
    username: str = ""
    first_name: str = ""
    sees_all: bool = False


class NewBots(msgspec.Struct, forbid_unknown_fields=True):
    """Many bots at once."""

    bots: list[NewBot]


class Message(msgspec.Struct, forbid_unknown_fields=True):
    """What somebody writes; ``fields`` are more of Telegram's Message: photo, voice, caption, reply_to_message."""

    chat_id: int
    text: str = ""
    sender: dict[str, Any] | None = msgspec.field(name="from", default=None)
    fields: dict[str, Any] = {}


class Messages(msgspec.Struct, forbid_unknown_fields=True):
    """Many messages at once, in this order."""

    messages: list[Message]


class Edit(msgspec.Struct, forbid_unknown_fields=True):
    """A user's message that its writer changes."""

    chat_id: int
    message_id: int
    text: str
    sender: dict[str, Any] | None = msgspec.field(name="from", default=None)


class Press(msgspec.Struct, forbid_unknown_fields=True):
    """A button that somebody presses under a message of the bot."""

    chat_id: int
    message_id: int
    data: str
    sender: dict[str, Any] | None = msgspec.field(name="from", default=None)


class RawUpdate(msgspec.Struct, forbid_unknown_fields=True):
    """Any update: its kind, its content as Telegram writes it, the lane in which a webhook receives it."""

    kind: str
    content: dict[str, Any]
    lane: int = 0


class Chats(msgspec.Struct, forbid_unknown_fields=True):
    """Chats in which the bot may write first."""

    chat_ids: list[int]


class SentSince(msgspec.Struct, forbid_unknown_fields=True):
    """Messages above a number; wait so many seconds until there are so many."""

    chat_id: int | None = None
    after: int = 0
    count: int = 1
    wait: float = 0


class PollsSince(msgspec.Struct, forbid_unknown_fields=True):
    """Long polls above a number; wait so many seconds for the next one."""

    after: int = 0
    wait: float = 0


class CallsSince(msgspec.Struct, forbid_unknown_fields=True):
    """Calls above a number; wait so many seconds until there are so many."""

    bot: int | None = None
    method: str = ""
    after: int = 0
    count: int = 1
    wait: float = 0


def add_routes(app: web.Application, telegram: "Telegram") -> None:
    """Serve the control interface of this simulator."""
    control_of = _Control(telegram)
    bot = "/simulator/bots/{id:[0-9]+}"
    chat = bot + "/chats/{chat_id:-?[0-9]+}"
    routes: Sequence[tuple[str, str, Handler]] = (
        ("POST", "/simulator/bots", control(dict[str, Any], control_of.add_bots)),
        ("GET", "/simulator/bots", control(Nothing, control_of.list_bots)),
        ("GET", bot, control(Nothing, control_of.show_bot)),
        ("DELETE", bot, control(Nothing, control_of.remove_bot)),
        ("POST", bot + "/revoke", control(Nothing, control_of.revoke)),
        ("POST", bot + "/messages", control(dict[str, Any], control_of.write)),
        ("POST", bot + "/edits", control(Edit, control_of.edit)),
        ("POST", bot + "/presses", control(Press, control_of.press)),
        ("POST", bot + "/updates", control(RawUpdate, control_of.push)),
        ("POST", bot + "/chats", control(Chats, control_of.open_chats)),
        ("POST", chat + "/block", control(Nothing, control_of.block)),
        ("POST", chat + "/unblock", control(Nothing, control_of.unblock)),
        ("GET", bot + "/polls", control(PollsSince, control_of.polls)),
        ("GET", bot + "/sent", control(SentSince, control_of.sent)),
        ("GET", "/simulator/calls", control(CallsSince, control_of.calls)),
        ("GET", "/simulator/counters", control(Nothing, control_of.counters)),
        ("GET", "/simulator/limits", control(Nothing, control_of.limits)),
        ("PUT", "/simulator/limits", control(dict[str, Any], control_of.change_limits)),
    )
    for verb, path, handler in routes:
        app.router.add_route(verb, path, handler)


class _Control:
    def __init__(self, telegram: "Telegram") -> None:
        self._telegram = telegram

    def _bot(self, request: web.Request) -> Bot:
        return self._telegram.bot(numbers(request, "id"))

    async def add_bots(self, request: web.Request, body: dict[str, Any]) -> object:
        asked = msgspec.convert(body, NewBots).bots if "bots" in body else [msgspec.convert(body, NewBot)]
        added = [
            self._telegram.add_bot(new.token, username=new.username, first_name=new.first_name, sees_all=new.sees_all)
            for new in asked
        ]
        shown = [_shown(bot) for bot in added]
        return shown if "bots" in body else shown[0]

    async def list_bots(self, request: web.Request, nothing: Nothing) -> object:
        return [_shown(bot) for bot in self._telegram.bots.values()]

    async def show_bot(self, request: web.Request, nothing: Nothing) -> object:
        return _shown(self._bot(request))

    async def remove_bot(self, request: web.Request, nothing: Nothing) -> object:
        bot = self._bot(request)
        await self._telegram.remove(bot)
        return _shown(bot)

    async def revoke(self, request: web.Request, nothing: Nothing) -> object:
        bot = self._bot(request)
        await self._telegram.revoke(bot)
        return _shown(bot)

    async def write(self, request: web.Request, body: dict[str, Any]) -> object:
        bot = self._bot(request)
        asked = msgspec.convert(body, Messages).messages if "messages" in body else [msgspec.convert(body, Message)]
        done = [people.write(bot, new.chat_id, new.text, new.sender, new.fields) for new in asked]
        shown = [{"update_id": update_id, "message_id": message_id} for update_id, message_id in done]
        return shown if "messages" in body else shown[0]

    async def edit(self, request: web.Request, new: Edit) -> object:
        return {"update_id": people.edit(self._bot(request), new.chat_id, new.message_id, new.text, new.sender)}

    async def press(self, request: web.Request, new: Press) -> object:
        update_id, query_id = people.press(self._bot(request), new.chat_id, new.message_id, new.data, new.sender)
        return {"update_id": update_id, "callback_query_id": query_id}

    async def push(self, request: web.Request, new: RawUpdate) -> object:
        if new.kind not in KINDS:
            raise Refusal(400, f"Telegram has no updates of the kind {new.kind!r}")
        return {"update_id": self._bot(request).updates.push(new.kind, new.content, new.lane)}

    async def open_chats(self, request: web.Request, new: Chats) -> object:
        bot = self._bot(request)
        for chat_id in new.chat_ids:
            bot.chat(chat_id, people.person(chat_id, None))
        return {"chats": len(bot.chats)}

    async def block(self, request: web.Request, nothing: Nothing) -> object:
        return {"update_id": people.close(self._bot(request), numbers(request, "chat_id"), closed=True)}

    async def unblock(self, request: web.Request, nothing: Nothing) -> object:
        return {"update_id": people.close(self._bot(request), numbers(request, "chat_id"), closed=False)}

    async def polls(self, request: web.Request, asked: PollsSince) -> object:
        updates = self._bot(request).updates
        if asked.wait > 0:
            await updates.polled.until(lambda: updates.polls > asked.after, asked.wait)
        return {"polls": updates.polls, "is_polled": updates.is_polled}

    async def sent(self, request: web.Request, asked: SentSince) -> object:
        outbox = self._bot(request).outbox
        if asked.wait > 0:
            await outbox.bell.until(lambda: len(outbox.after(asked.after, asked.chat_id)) >= asked.count, asked.wait)
        found = outbox.after(asked.after, asked.chat_id)
        return {"last": outbox.last, "messages": [msgspec.Raw(sent.body) for sent in found]}

    async def calls(self, request: web.Request, asked: CallsSince) -> object:
        if asked.wait > 0:
            await self._telegram.called.until(lambda: len(self._calls(asked)) >= asked.count, asked.wait)
        return self._calls(asked)

    def _calls(self, asked: CallsSince) -> list[object]:
        return [
            call
            for call in self._telegram.calls
            if call.number > asked.after and asked.bot in {None, call.bot} and asked.method in {"", call.method}
        ]

    async def counters(self, request: web.Request, nothing: Nothing) -> object:
        total: Counter[tuple[str, int]] = Counter()
        for bot in self._telegram.bots.values():
            total.update(bot.calls)
        return {"calls": _counted(total), "bots": len(self._telegram.bots)}

    async def limits(self, request: web.Request, nothing: Nothing) -> object:
        return self._telegram.throttle.limits

    async def change_limits(self, request: web.Request, body: dict[str, Any]) -> object:
        limits = REAL if body.pop("real", False) else Limits()
        changed = msgspec.convert(msgspec.to_builtins(limits) | body, Limits)
        self._telegram.throttle.change(changed)
        return changed


def _counted(calls: Counter[tuple[str, int]]) -> dict[str, dict[str, int]]:
    counted: dict[str, dict[str, int]] = {}
    for (method, status), number in sorted(calls.items()):
        counted.setdefault(method, {})[str(status)] = number
    return counted


def _shown(bot: Bot) -> dict[str, Any]:
    state = "revoked" if bot.is_revoked else "logged out" if bot.is_logged_out else "valid"
    return {
        "id": bot.id,
        "username": bot.username,
        "token": bot.token,
        "state": state,
        "pending_updates": len(bot.updates),
        "calls": _counted(bot.calls),
        "last_sent": bot.outbox.last,
    }
