"""The bots as their owners want them: which token, which assistant, running or stopped."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from chatai_core.adapters.crypto import Cipher
from chatai_core.adapters.postgres import Database, question
from chatai_core.errors import BadData, Duplicate, NotFound, NotPermitted
from chatai_core.i18n import _

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from chatai_core import models
    from chatai_core.adapters.orm import Orm

_TOKEN = re.compile(r"([0-9]{3,18}):[A-Za-z0-9_-]{35}")
_LARGEST_ID = 2**31 - 1


class NoBot(NotFound):
    """There is no such bot."""


@dataclass(frozen=True, slots=True)
class Bot:
    """One bot; ``is_active`` is the desired state, ``token`` is masked."""

    id: int
    name: str | None
    platform: str
    assistant_id: int
    assistant: str
    user_id: int
    owner: str
    owner_status: str
    token: str | None
    telegram_username: str | None
    is_active: bool
    created_at: datetime
    updated_at: datetime

    @property
    def desired(self) -> str:
        """``running`` or ``stopped``: a blocked owner's bots are stopped, whatever he wanted."""
        return "running" if self.is_active and self.owner_status != "blocked" else "stopped"


def all(database: Database, *, owner: int | None = None) -> list[Bot]:
    """Every bot, or those of one user, the oldest first."""
    return database.rows(Bot, question(__file__), id=None, owner=owner)


def show(database: Database, id: int | str) -> Bot:
    """The bot with this id: 123, or bot123 as the runbook writes it. Raises NotFound."""
    found = database.one(Bot, question(__file__), id=number(id), owner=None)
    if found is None:
        raise no_bot(id)
    return found


def number(id: int | str) -> int:
    """A bot's id as a number. Raises NotFound when no bot can have this id.

    >>> number("bot123"), number("123"), number(7)
    (123, 123, 7)
    """
    digits = str(id).strip().lower().removeprefix("bot")
    if not (digits.isascii() and digits.isdigit() and int(digits) <= _LARGEST_ID):
        raise no_bot(id)
    return int(digits)


def add(
    orm: "Orm",
    cipher: Cipher,
    *,
    owner_id: int,
    token: str,
    assistant_id: int | None = None,
    platform: str = "telegram",
    name: str | None = None,
    telegram_username: str | None = None,
    is_active: bool = True,
) -> Bot:
    """Store a bot; without an assistant a default one is made for the owner.

    Raises BadData (token, platform), Duplicate (token), NotFound (owner, assistant), NotPermitted (blocked owner).
    """
    from chatai_core import models

    _require_telegram(platform)
    row = models.BotInstance(
        user_id=owner_id,
        platform=platform,
        name=_tidy(name),
        telegram_bot_id=telegram_id(token),
        telegram_username=telegram_username,
        is_active=is_active,
    )
    with _duplicates_named(), orm.session() as session:
        _require_active_owner(session, owner_id)
        row.assistant_id = _assistant(session, owner_id, assistant_id, row.name)
        session.add(row)
        session.flush()
        _seal(row, cipher, token)
        return _bot(session, row)


def update(
    orm: "Orm",
    cipher: Cipher,
    id: int | str,
    *,
    token: str | None = None,
    name: str | None = None,
    assistant_id: int | None = None,
    telegram_username: str | None = None,
) -> Bot:
    """Change what is given; an empty name takes the name away. A running bot is restarted by the manager.

    Raises NotFound (bot, assistant), BadData (token), Duplicate (token).
    """
    with _duplicates_named(), orm.session() as session:
        row = _locked(session, id)
        if token is not None:
            row.telegram_bot_id = telegram_id(token)
            row.telegram_username = telegram_username
            _seal(row, cipher, token)
        if name is not None:
            row.name = _tidy(name)
        if assistant_id is not None:
            row.assistant_id = _assistant(session, row.user_id, assistant_id, None)
        return _bot(session, row)


def set_active(orm: "Orm", id: int | str, wanted: bool) -> Bot:
    """Set the desired state; setting it again changes nothing. Raises NotFound, NotPermitted (blocked owner)."""
    with orm.session() as session:
        row = _locked(session, id)
        if wanted:
            _require_active_owner(session, row.user_id)
        row.is_active = wanted
        return _bot(session, row)


def remove(orm: "Orm", id: int | str) -> Bot:
    """Forget a bot; its dialogs stay. Raises NotFound."""
    with orm.session() as session:
        row = _locked(session, id)
        gone = _bot(session, row)
        session.delete(row)
        return gone


def telegram_id(token: str) -> int:
    """The bot's id at Telegram, which its token begins with. Raises BadData when this cannot be a token.

    >>> telegram_id("123456789:AAH5abcdefghijklmnopqrstuvwxyz12345")
    123456789
    """
    found = _TOKEN.fullmatch(token)
    if found is None:
        raise BadData(
            _("This is no bot token."),
            why=_("A token is digits, a colon and 35 letters, digits, hyphens or underscores, as BotFather gives it."),
        )
    return int(found[1])


def no_bot(id: int | str) -> NoBot:
    """The error of an id that no bot has."""
    return NoBot(_("There is no bot {id}.").format(id=str(id)[:40]), hint="chatai bots list")


def _require_telegram(platform: str) -> None:
    if platform != "telegram":
        raise BadData(
            _("There are no bots for {platform}.").format(platform=repr(platform[:40])),
            why=_("The platform must be telegram."),
        )


def _require_active_owner(session: "Session", owner_id: int) -> None:
    from chatai_core import models

    owner = session.get(models.User, owner_id)
    if owner is None:
        raise NotFound(_("There is no user {id}.").format(id=owner_id), hint="chatai users list")
    if owner.status == "blocked":
        raise NotPermitted(
            _("The owner of this bot is blocked."),
            why=_("{email} may not run bots.").format(email=owner.email),
            hint=f"chatai users unblock {owner.email}",
        )


def _assistant(session: "Session", owner_id: int, assistant_id: int | None, name: str | None) -> int:
    """The id of the owner's assistant, made when none is named."""
    from chatai_core import models

    if assistant_id is None:
        made = models.Assistant(user_id=owner_id, **({"name": name} if name else {}))
        session.add(made)
        session.flush()
        return made.id
    found = session.get(models.Assistant, assistant_id) if 0 < assistant_id <= _LARGEST_ID else None
    if found is None or found.user_id != owner_id:
        raise NotFound(_("The owner has no assistant {id}.").format(id=assistant_id), hint="chatai assistants list")
    return found.id


def _seal(row: "models.BotInstance", cipher: Cipher, token: str) -> None:
    kept = cipher.keep(token, row=f"bot_instances:{row.id}")
    row.bot_token, row.bot_token_fingerprint, row.bot_token_hint = kept.sealed, kept.fingerprint, kept.hint


def _locked(session: "Session", id: int | str) -> "models.BotInstance":
    from chatai_core import models

    row = session.get(models.BotInstance, number(id), with_for_update=True)
    if row is None:
        raise no_bot(id)
    return row


def _bot(session: "Session", row: "models.BotInstance") -> Bot:
    from chatai_core import models

    session.flush()
    session.refresh(row)
    assistant = session.get_one(models.Assistant, row.assistant_id)
    owner = session.get_one(models.User, row.user_id)
    return Bot(
        id=row.id,
        name=row.name,
        platform=row.platform,
        assistant_id=row.assistant_id,
        assistant=assistant.name,
        user_id=row.user_id,
        owner=owner.email,
        owner_status=owner.status,
        token=row.bot_token_hint,
        telegram_username=row.telegram_username,
        is_active=row.is_active,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


@contextmanager
def _duplicates_named() -> Iterator[None]:
    from sqlalchemy.exc import IntegrityError

    try:
        yield
    except IntegrityError as error:
        if "bot_token_fingerprint" not in str(error.orig):
            raise
        raise Duplicate(
            _("There is a bot with this token already."),
            why=_("Two of them would take each other's messages."),
            hint="chatai bots list",
        ) from error


def _tidy(name: str | None) -> str | None:
    return (name or "").strip() or None
