"""A new bot's introduction: whether Telegram knows the token, and whose bot it becomes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatai_core.accounts import users
from chatai_core.accounts.users import User
from chatai_core.adapters.crypto import Cipher
from chatai_core.adapters.postgres import Database
from chatai_core.bots import instances
from chatai_core.bots.instances import Bot
from chatai_core.errors import BadData, NotFound, NotPermitted, Unauthenticated
from chatai_core.i18n import _
from chatai_core.settings import Secret
from chatai_core.units import Seconds

if TYPE_CHECKING:
    from chatai_core.adapters.orm import Orm

_SILENCE: Seconds = 10.0


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a bot is at Telegram."""

    id: int
    username: str
    name: str


@dataclass(frozen=True, slots=True)
class NewBot:
    """A bot that Telegram has confirmed; without a name it is called as there."""

    token: Secret
    identity: Identity
    owner_id: int
    assistant_id: int | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be changed of a bot; what is None stays."""

    token: Secret | None = None
    identity: Identity | None = None
    assistant_id: int | None = None
    name: str | None = None


def identify(api_url: str, token: Secret) -> Identity:
    """Ask Telegram whose token this is. Raises BadData (the form), NotPermitted (unknown or revoked), Unavailable."""
    from chatai_core.adapters import http  # httpx: 60 ms

    instances.telegram_id(token.reveal())
    with http.Client(api_url, timeout=_SILENCE) as client:
        try:
            said = client.post(f"/bot{token.reveal()}/getMe")["result"]
            return Identity(int(said["id"]), str(said["username"]), str(said["first_name"]))
        except (Unauthenticated, NotFound) as error:
            raise NotPermitted(
                _("Telegram does not accept this token."),
                why=_("It was revoked or changed, or a character is wrong."),
                hint="chatai bots add --token-file FILE",
            ) from error
        except (KeyError, TypeError, ValueError) as error:
            raise BadData(
                _("{url} does not answer as the Bot API does.").format(url=client.base_url),
                hint="chatai config show --origin",
            ) from error


def owner(database: Database, email: str | None) -> User:
    """The user with this address; without one the first administrator. Raises NotFound."""
    if email is not None:
        return users.show(database, email)
    for user in users.all(database):
        if user.is_admin and not user.is_blocked:
            return user
    raise NotFound(
        _("There is no administrator who could own the bot."),
        why=_("No owner was named, so the first administrator would be."),
        hint="chatai users add EMAIL --admin",
    )


def add(orm: "Orm", cipher: Cipher, new: NewBot, *, is_active: bool) -> Bot:
    """Store the bot. Raises Duplicate (token), NotFound (assistant), NotPermitted (blocked owner)."""
    return instances.add(
        orm,
        cipher,
        owner_id=new.owner_id,
        token=new.token.reveal(),
        assistant_id=new.assistant_id,
        name=new.name or new.identity.name,
        telegram_username=new.identity.username,
        is_active=is_active,
    )


def update(orm: "Orm", cipher: Cipher, bot: Bot, changes: Changes) -> Bot:
    """Change the bot. Raises Duplicate (token), NotFound (bot, assistant)."""
    return instances.update(
        orm,
        cipher,
        bot.id,
        token=changes.token.reveal() if changes.token else None,
        name=changes.name,
        assistant_id=changes.assistant_id,
        telegram_username=changes.identity.username if changes.identity else None,
    )
