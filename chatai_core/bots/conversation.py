"""What a bot says: its greeting, the model's answers, and what it cannot do."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from telegram import Bot, Message, Update
from telegram.constants import ChatAction
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter, TelegramError, TimedOut
from telegram.ext import (
    Application,
    ApplicationBuilder,
    CallbackContext,
    CommandHandler,
    ExtBot,
    MessageHandler,
    filters,
)

from chatai_core.bots import messages
from chatai_core.bots.to_run import Runnable
from chatai_core.bots.troubles import seconds_of
from chatai_core.errors import ChataiError
from chatai_core.i18n import _

logger = logging.getLogger("bots.worker")

Answer = Callable[[Runnable, Message], Awaitable[str | None]]
Talk = Application[Any, Any, Any, Any, Any, Any]
Context = CallbackContext[Any, Any, Any, Any]

TYPING_EVERY = 4.0  # seconds; Telegram shows it for five
TRIES = 4
LONGEST_FLOOD = 60.0  # seconds that one answer waits for a 429


def application(client: ExtBot[None], bot: Runnable, answer: Answer) -> Talk:
    """The library's handlers for one bot; updates are put into it, it fetches none."""
    talk: Talk = ApplicationBuilder().bot(client).updater(None).job_queue(None).build()
    conversation = Conversation(bot, answer)
    talk.add_handler(CommandHandler("start", conversation.greet))
    talk.add_handler(MessageHandler(filters.TEXT, conversation.reply))
    talk.add_handler(MessageHandler(~filters.StatusUpdate.ALL, conversation.decline))
    talk.add_error_handler(conversation.apologise)
    return talk


class Conversation:
    """One bot's side of all its chats."""

    def __init__(self, bot: Runnable, answer: Answer) -> None:
        """``answer`` asks the model; None means that a person answers this chat."""
        self._bot = bot
        self._answer = answer

    async def greet(self, update: Update, context: Context) -> None:
        """Answer /start with the assistant's name."""
        text = _("Hello! I am {name}. How can I help you?").format(name=self._bot.assistant)
        await self._say(context.bot, update, text)

    async def reply(self, update: Update, context: Context) -> None:
        """Answer a text with what the model says."""
        message = update.message
        if message is None or message.from_user is None or message.from_user.is_bot:
            return
        async with _typing(context.bot, message.chat_id):
            text = await self._answer(self._bot, message)
        if text:
            await self._say(context.bot, update, text)

    async def decline(self, update: Update, context: Context) -> None:
        """Answer what is no text."""
        await self._say(context.bot, update, _("I understand only text so far. Please write your question."))

    async def apologise(self, update: object, context: Context) -> None:
        """Log an error with its traceback, and leave nobody without an answer."""
        chat = update.effective_chat.id if isinstance(update, Update) and update.effective_chat else None
        if isinstance(context.error, Forbidden):
            logger.info("bot %s: chat %s has blocked the bot", self._bot.id, chat)
            return
        kind = "no answer" if isinstance(context.error, ChataiError) else "error"
        logger.error("bot %s: %s in chat %s: %s", self._bot.id, kind, chat, context.error, exc_info=context.error)
        if isinstance(update, Update) and not isinstance(context.error, TelegramError):
            text = _("I cannot answer at the moment. Please try again in a few minutes.")
            await self._say(context.bot, update, text)

    async def _say(self, bot: Bot, update: Update, text: str) -> None:
        if update.effective_chat is not None:
            for piece in messages.split(text):
                await _send(bot, update.effective_chat.id, piece)


async def _send(bot: Bot, chat: int, text: str) -> None:
    """Send one message; again where Telegram certainly has not taken it."""
    for tries in range(1, TRIES + 1):
        try:
            await bot.send_message(chat, text)
            return
        except RetryAfter as flood:
            wait = seconds_of(flood)
            if tries == TRIES or wait > LONGEST_FLOOD:
                raise
        except NetworkError as error:
            # After a timeout it may have been sent, and Telegram knows no second copy from a first.
            if tries == TRIES or isinstance(error, BadRequest | TimedOut):
                raise
            wait = 2.0 ** (tries - 1)
        await asyncio.sleep(wait)


@asynccontextmanager
async def _typing(bot: Bot, chat: int) -> AsyncIterator[None]:
    """Show that the answer is being written, while the block lasts."""

    async def show() -> None:
        while True:
            try:
                await bot.send_chat_action(chat, ChatAction.TYPING)
            except TelegramError as error:
                logger.debug("no typing action: %s", error)
            await asyncio.sleep(TYPING_EVERY)

    task = asyncio.create_task(show())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
