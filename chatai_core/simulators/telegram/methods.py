"""The methods of the Bot API: who am I, what is new, where to send it."""

import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec

from chatai_core.simulators.telegram import sending, webhooks
from chatai_core.simulators.telegram.bots import Bot
from chatai_core.simulators.telegram.calls import Arguments, Failure, bad, too_many
from chatai_core.simulators.telegram.limits import Throttle
from chatai_core.simulators.telegram.updates import KINDS, USUAL_KINDS, conflict

_LONGEST_POLL = 50
_CLOSE_SECONDS = 600
_SPEAKING: dict[str, Callable[[Bot, Arguments, Throttle], object]] = {
    "sendMessage": sending.send_message,
    "editMessageText": sending.edit_message_text,
    "deleteMessage": sending.delete_message,
    "sendChatAction": sending.send_chat_action,
    "answerCallbackQuery": sending.answer_callback_query,
    "getChat": sending.get_chat,
}


@dataclass(frozen=True, slots=True)
class Described:
    """A result that comes with a sentence."""

    result: object
    description: str


class Methods:
    """Performs the calls of all bots; ``pause`` is the unit of the waits of webhooks, in seconds."""

    def __init__(self, throttle: Throttle, pause: float) -> None:
        self._throttle = throttle
        self._pause = pause
        self._session: aiohttp.ClientSession | None = None
        self._webhooks: dict[int, webhooks.Webhook] = {}
        self._listening: dict[str, Callable[[Bot, Arguments], Awaitable[object]]] = {
            "getMe": self._get_me,
            "getUpdates": self._get_updates,
            "setWebhook": self._set_webhook,
            "deleteWebhook": self._delete_webhook,
            "getWebhookInfo": self._get_webhook_info,
            "setMyCommands": self._set_my_commands,
            "getMyCommands": self._get_my_commands,
            "deleteMyCommands": self._delete_my_commands,
            "logOut": self._log_out,
            "close": self._close,
        }
        self._names = {name.lower(): name for name in (*_SPEAKING, *self._listening)}

    def name(self, written: str) -> str:
        """The method's name as Telegram's manual writes it, empty when there is no such method."""
        return self._names.get(written.lower(), "")

    async def perform(self, bot: Bot, method: str, arguments: Arguments) -> object:
        """Do what the call asks; no is a Failure."""
        if method in _SPEAKING:
            return _SPEAKING[method](bot, arguments, self._throttle)
        return await self._listening[method](bot, arguments)

    async def retire(self, bot: Bot, failure: Failure) -> None:
        """End what a bot has running: its poll fails, its webhook is forgotten."""
        bot.updates.end_poll(failure)
        await self._stop_webhook(bot)

    async def stop(self) -> None:
        """End all webhooks."""
        for webhook in self._webhooks.values():
            await webhook.stop()
        self._webhooks.clear()
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _get_me(self, bot: Bot, arguments: Arguments) -> object:
        return bot.user | {
            "can_join_groups": True,
            "can_read_all_group_messages": bot.sees_all,
            "supports_inline_queries": False,
            "can_connect_to_business": False,
            "has_main_web_app": False,
        }

    async def _get_updates(self, bot: Bot, arguments: Arguments) -> object:
        if bot.id in self._webhooks:
            await bot.updates.refuse_poll()
        offset = arguments.integer("offset", 0)
        limit = arguments.integer("limit", 100, 1, 100)
        seconds = arguments.integer("timeout", 0, 0, _LONGEST_POLL)
        _choose_kinds(bot, arguments)
        if self._throttle.limits.idle_polls:
            since = bot.updates.since_same_poll(offset)
            seconds = max(seconds, 3) if since < 3 else seconds
            limit = 1 if since < 0.5 else limit
        return [msgspec.Raw(body) for body in await bot.updates.poll(offset, limit, seconds)]

    async def _set_webhook(self, bot: Bot, arguments: Arguments) -> object:
        if not arguments.text("url"):
            return await self._delete_webhook(bot, arguments)
        address = webhooks.Address.asked_for(arguments)
        self._throttle.admit_webhook(bot)
        drop = arguments.truth("drop_pending_updates")
        running = self._webhooks.get(bot.id)
        _choose_kinds(bot, arguments)
        if running is not None and running.address == address and not drop:
            return Described(True, "Webhook is already set")
        bot.updates.end_poll(conflict("terminated by setWebhook request"))
        await self._stop_webhook(bot)
        if drop:
            bot.updates.clear()
        self._session = self._session or webhooks.session()
        obey = self._obeying(bot)
        self._webhooks[bot.id] = webhooks.Webhook(bot, address, self._session, self._pause, obey)
        return Described(True, "Webhook was set")

    async def _delete_webhook(self, bot: Bot, arguments: Arguments) -> object:
        was_set = await self._stop_webhook(bot)
        if arguments.truth("drop_pending_updates"):
            bot.updates.clear()
        return Described(True, "Webhook was deleted" if was_set else "Webhook is already deleted")

    async def _stop_webhook(self, bot: Bot) -> bool:
        webhook = self._webhooks.pop(bot.id, None)
        if webhook is not None:
            await webhook.stop()
        return webhook is not None

    def _obeying(self, bot: Bot) -> Callable[[str, Arguments], object]:
        def obey(method: str, arguments: Arguments) -> object:
            name = self.name(method)
            try:
                return _SPEAKING[name](bot, arguments, self._throttle) if name in _SPEAKING else None
            except Failure:
                return None

        return obey

    async def _get_webhook_info(self, bot: Bot, arguments: Arguments) -> object:
        webhook = self._webhooks.get(bot.id)
        info: dict[str, Any] = {"url": "", "has_custom_certificate": False, "pending_update_count": len(bot.updates)}
        if webhook is not None:
            info |= webhook.info()
        if bot.updates.allowed != USUAL_KINDS:
            info["allowed_updates"] = sorted(bot.updates.allowed)
        return info

    async def _set_my_commands(self, bot: Bot, arguments: Arguments) -> object:
        commands = arguments.json("commands", "commands")
        if not isinstance(commands, list):
            raise bad("expected an Array of BotCommand")
        bot.commands = commands
        return True

    async def _get_my_commands(self, bot: Bot, arguments: Arguments) -> object:
        return bot.commands

    async def _delete_my_commands(self, bot: Bot, arguments: Arguments) -> object:
        bot.commands = []
        return True

    async def _log_out(self, bot: Bot, arguments: Arguments) -> object:
        bot.is_logged_out = True
        await self.retire(bot, Failure(400, "Logged out"))
        bot.updates.clear()
        return True

    async def _close(self, bot: Bot, arguments: Arguments) -> object:
        age = time.monotonic() - bot.first_call
        if age < _CLOSE_SECONDS:
            raise too_many(math.ceil(_CLOSE_SECONDS - age))
        return True


def _choose_kinds(bot: Bot, arguments: Arguments) -> None:
    """What the bot wants to hear of from now on; nothing said leaves it as it was, an empty list is the usual."""
    try:
        wanted = arguments.json("allowed_updates", "allowed updates")
    except Failure:
        return
    if isinstance(wanted, list) and all(isinstance(kind, str) for kind in wanted):
        bot.updates.allowed = KINDS.intersection(kind.lower() for kind in wanted) or USUAL_KINDS
