"""What a worker needs to run one bot: the only place where its token is opened."""

from dataclasses import dataclass

from chatai_core.adapters.crypto import Cipher
from chatai_core.adapters.postgres import Database, question
from chatai_core.bots.instances import no_bot
from chatai_core.errors import Misconfigured
from chatai_core.i18n import _
from chatai_core.settings import Secret


@dataclass(frozen=True, slots=True)
class Runnable:
    """One bot with its token."""

    id: int
    assistant_id: int
    assistant: str
    user_id: int
    token: Secret


@dataclass(frozen=True, slots=True)
class _Sealed:
    id: int
    assistant_id: int
    assistant: str
    user_id: int
    sealed: str | None


def read(database: Database, cipher: Cipher, id: int) -> Runnable:
    """The bot, with its token opened. Raises NotFound, Misconfigured (it has no token), BadData (another key)."""
    row = database.one(_Sealed, question(__file__), id=id)
    if row is None:
        raise no_bot(id)
    if row.sealed is None:
        raise Misconfigured(_("Bot {id} has no token.").format(id=id), hint=f"chatai bots update {id} --token-stdin")
    token = Secret(cipher.open(row.sealed, row=f"bot_instances:{id}"))
    return Runnable(row.id, row.assistant_id, row.assistant, row.user_id, token)
