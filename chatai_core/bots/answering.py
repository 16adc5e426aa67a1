"""From a message in Telegram to the assistant's answer, both of them kept in the dialog.

They are stored together when the answer is there: a message that comes again, because the worker died over it, is
then not found in the dialog twice.
"""

import asyncio
import logging
from dataclasses import dataclass

import telegram

from chatai_core.bots.to_run import Runnable
from chatai_core.chat import dialogs
from chatai_core.chat.dialogs import Dialog, Person, Said
from chatai_core.chat.reply import Asked, Means, apology, reply
from chatai_core.errors import ChataiError

logger = logging.getLogger("bots.worker")


@dataclass(frozen=True, slots=True)
class Answering:
    """Asks the assistants of all bots of a process."""

    means: Means

    async def __call__(self, bot: Runnable, message: telegram.Message) -> str | None:
        """The answer to a text; an apology when there is none; nothing where a person leads the dialog."""
        said = Said("user", message.text or "")
        try:
            dialog = await self._dialog(bot, message)
            if dialog.is_led_by_a_person:
                await self._keep(dialog, said)
                return None
            return await self._answer(bot, dialog, said)
        except ChataiError as error:
            logger.exception("bot %s: error, no answer in chat %s: %s", bot.id, message.chat_id, error)
            return apology(error)

    async def _answer(self, bot: Runnable, dialog: Dialog, said: Said) -> str:
        try:
            made = await reply(self.means, Asked(said.text, bot.assistant_id, dialog_id=dialog.id))
        except ChataiError:
            await self._keep(dialog, said)
            raise
        await self._keep(dialog, said, Said("assistant", made.text))
        return made.text

    async def _dialog(self, bot: Runnable, message: telegram.Message) -> Dialog:
        user = message.from_user
        person = Person(user.username, user.first_name, user.last_name) if user else Person()
        return await asyncio.to_thread(dialogs.opened, self.means.database, bot.id, str(message.chat_id), person)

    async def _keep(self, dialog: Dialog, *said: Said) -> None:
        """Store what was said; the answer is given even when this fails."""
        try:
            await asyncio.to_thread(dialogs.append, self.means.database, dialog.id, *said)
        except ChataiError as error:
            logger.error("error: the dialog %s misses %d messages: %s", dialog.id, len(said), error)
