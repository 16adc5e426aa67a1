"""Bots: what their owners want, and starting and stopping them now."""

import logging
from datetime import datetime

from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel, SecretStr

from chatai_core.accounts.users import User
from chatai_core.bots import client, instances
from chatai_core.bots.instances import Bot
from chatai_core.errors import ChataiError, Unavailable
from chatai_core.i18n import _
from chatai_core.installation import Installation
from chatai_core.server import deps, wording
from chatai_core.server.deps import AdminOrSystem, Caller, CallerOrSystem, Chatai, Id, Visiting
from chatai_core.server.errors import missing_is
from chatai_core.server.texts import Line
from chatai_core.server.visits import Visit
from chatai_core.settings import Secret

logger = logging.getLogger("api.bots")
router = APIRouter(tags=["bots"])
_changes = [Depends(deps.writable)]


class BotInstance(BaseModel):
    """One bot; its token is never shown. ``is_active`` is the desired state."""

    id: int
    name: str | None
    platform: str
    assistant_id: int
    assistant_name: str
    is_active: bool
    created_at: datetime


class OwnedBotInstance(BaseModel):
    """One bot of anybody, as our own processes read it."""

    id: int
    user_id: int
    assistant_id: int
    platform: str
    is_active: bool


class NewBotInstance(BaseModel):
    """A bot to be added; without an assistant it gets one of its own."""

    bot_token: SecretStr
    assistant_id: int | None = None
    platform: str = "telegram"
    is_active: bool = True
    name: Line | None = None


class BotInstanceChanges(BaseModel):
    """What is to be changed; what is not given stays."""

    bot_token: SecretStr | None = None
    assistant_id: int | None = None
    is_active: bool | None = None
    name: Line | None = None


class Done(BaseModel):
    """What was done."""

    success: bool = True
    message: str


@router.get("/api/bot-instances")
def list_bots(chatai: Chatai, caller: Caller) -> list[BotInstance]:
    """Your bots."""
    return [_shown(bot) for bot in instances.all(chatai.database, owner=caller.id)]


@router.post("/api/bot-instances", dependencies=_changes)
def add_bot(chatai: Chatai, caller: Caller, visit: Visiting, new: NewBotInstance) -> BotInstance:
    """Add a bot; an active one is started by the bot manager."""
    bot = instances.add(
        chatai.orm,
        chatai.cipher,
        owner_id=caller.id,
        token=new.bot_token.get_secret_value(),
        assistant_id=new.assistant_id,
        platform=new.platform,
        name=new.name,
        is_active=new.is_active,
    )
    visit.audit("bot_create", bot_id=bot.id, assistant_id=bot.assistant_id)
    _tell_manager(chatai)
    return _shown(bot)


@router.patch("/api/bot-instances/{id}", dependencies=_changes)
def update_bot(chatai: Chatai, caller: Caller, visit: Visiting, id: Id, changes: BotInstanceChanges) -> BotInstance:
    """Change a bot; a running one is restarted by the bot manager."""
    bot = _permitted(chatai, caller, id)
    given = changes.model_dump(exclude_none=True, exclude={"bot_token", "is_active"})
    if changes.bot_token is not None:
        given["token"] = changes.bot_token.get_secret_value()
    if given:
        bot = instances.update(chatai.orm, chatai.cipher, id, **given)
    if changes.is_active is not None:
        bot = instances.set_active(chatai.orm, id, changes.is_active)
    visit.audit("bot_update", bot_id=id, fields=sorted(changes.model_fields_set))
    _tell_manager(chatai)
    return _shown(bot)


@router.delete("/api/bot-instances/{id}", dependencies=_changes)
def remove_bot(chatai: Chatai, caller: Caller, visit: Visiting, id: Id) -> Done:
    """Forget a bot; its dialogs stay."""
    _permitted(chatai, caller, id)
    with missing_is(wording.NO_BOT):
        instances.remove(chatai.orm, id)
    visit.audit("bot_delete", bot_id=id)
    _tell_manager(chatai)
    return Done(message=wording.BOT_DELETED.format(id=id))


@router.post("/api/start-bot/{id}", dependencies=_changes)
def start_bot(chatai: Chatai, caller: CallerOrSystem, visit: Visiting, id: Id) -> Done:
    """Want this bot to run, and have the bot manager start it now."""
    _switched(chatai, caller, visit, id, wanted=True)
    return Done(message=wording.BOT_STARTED.format(id=id))


@router.post("/api/stop-bot/{id}", dependencies=_changes)
def stop_bot(chatai: Chatai, caller: CallerOrSystem, visit: Visiting, id: Id) -> Done:
    """Want this bot to be stopped, and have the bot manager stop it now."""
    _switched(chatai, caller, visit, id, wanted=False)
    return Done(message=wording.BOT_STOPPED.format(id=id))


@router.get("/api/bot-instances-all")
def list_all_bots(chatai: Chatai, caller: AdminOrSystem) -> list[OwnedBotInstance]:
    """Every bot of everybody, active or not, for administrators and our own processes."""
    return [OwnedBotInstance.model_validate(bot, from_attributes=True) for bot in instances.all(chatai.database)]


def _shown(bot: Bot) -> BotInstance:
    return BotInstance(
        id=bot.id,
        name=bot.name,
        platform=bot.platform,
        assistant_id=bot.assistant_id,
        assistant_name=bot.assistant,
        is_active=bot.is_active,
        created_at=bot.created_at,
    )


def _permitted(chatai: Installation, caller: User | None, id: int) -> Bot:
    """The bot when it is the caller's, or the caller may change everybody's; else there is none."""
    with missing_is(wording.NO_BOT):
        bot = instances.show(chatai.database, id)
    if caller is None or caller.is_admin or bot.user_id == caller.id:
        return bot
    raise HTTPException(404, wording.NO_BOT)


def _switched(chatai: Installation, caller: User | None, visit: Visit, id: int, *, wanted: bool) -> None:
    """Keep what is wanted, then have the manager do it. Raises 503 or 409 when it is not done now."""
    _permitted(chatai, caller, id)
    operation = "bot_start" if wanted else "bot_stop"
    instances.set_active(chatai.orm, id, wanted)
    act = client.start if wanted else client.stop
    try:
        act(chatai.settings.server.manager_url, Secret(chatai.internal_key), id)
    except ChataiError as error:
        visit.audit(operation, "failed", bot_id=id, reason=str(error))
        raise _not_now(error) from error
    visit.audit(operation, bot_id=id)


def _not_now(error: ChataiError) -> HTTPException:
    if isinstance(error, client.ManagerDown):
        sentence = _("The bot manager does not answer; what is wanted is kept, and done when it is back.")
        return HTTPException(503, sentence, headers={"Retry-After": "30"})
    return HTTPException(503 if isinstance(error, Unavailable) else 409, str(error))


def _tell_manager(chatai: Installation) -> None:
    """Let the manager look at once; when it is away it looks by itself later."""
    try:
        client.reconcile(chatai.settings.server.manager_url, Secret(chatai.internal_key))
    except ChataiError as error:
        logger.info("the bot manager was not told of a change: %s", error)
