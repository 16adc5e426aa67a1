"""The bots with what is wanted and what is observed of each, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chatai_core.adapters.postgres import Database
from chatai_core.bots import client, instances
from chatai_core.bots.client import ManagerDown
from chatai_core.bots.instances import Bot
from chatai_core.bots.status import BotStatus
from chatai_core.bots.wire import State
from chatai_core.i18n import _


@dataclass(frozen=True, slots=True)
class BotRow:
    """One bot; ``state`` is empty when it should run and the manager, who would know, does not answer."""

    id: int
    name: str | None
    platform: str
    assistant_id: int
    assistant: str
    desired: str
    state: State | None
    worker: int | None
    pid: int | None
    since: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True)
class BotSheet:
    """All about one bot; ``token`` is masked."""

    id: int
    name: str | None
    platform: str
    telegram_username: str | None
    token: str | None
    owner: str
    assistant_id: int
    assistant: str
    desired: str
    state: State | None
    worker: int | None
    pid: int | None
    since: datetime | None
    error: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Overview:
    """The bots, and why nothing could be observed of them, if so."""

    bots: list[BotRow]
    manager_error: ManagerDown | None


def all(database: Database, manager_url: str) -> Overview:
    """Every bot, the oldest first."""
    bots = instances.all(database)
    observed = _observed(manager_url)
    return Overview([_row(bot, observed.of(bot)) for bot in bots], observed.manager_error)


def observed(database: Database, manager_url: str, id: int | str | None = None) -> list[BotRow]:
    """The bots that run or should, or the one asked for. Raises NotFound, and ManagerDown: nobody has observed them."""
    wanted = None if id is None else instances.show(database, id).id
    found = all(database, manager_url)
    if found.manager_error is not None:
        raise found.manager_error
    if wanted is not None:
        return [bot for bot in found.bots if bot.id == wanted]
    return [bot for bot in found.bots if bot.desired == "running" or bot.state != "stopped"]


def rows(bots: Sequence[Bot], seen: Sequence[BotStatus]) -> list[BotRow]:
    """These bots with what the manager has just said of them."""
    known = {status.id: status for status in seen}
    return [_row(bot, _Seen(known[bot.id])) for bot in bots]


def sheet(database: Database, manager_url: str, id: int | str) -> BotSheet:
    """All about one bot. Raises NotFound."""
    bot = instances.show(database, id)
    row = _row(bot, _observed(manager_url).of(bot))
    return BotSheet(
        id=bot.id,
        name=bot.name,
        platform=bot.platform,
        telegram_username=bot.telegram_username,
        token=bot.token,
        owner=bot.owner,
        assistant_id=bot.assistant_id,
        assistant=bot.assistant,
        desired=row.desired,
        state=row.state,
        worker=row.worker,
        pid=row.pid,
        since=row.since,
        error=row.error,
        created_at=bot.created_at,
        updated_at=bot.updated_at,
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """A bot as the manager sees it; None: the manager has not seen it, ``unknown`` says why, if that is no verdict."""

    status: BotStatus | None
    unknown: str | None = None


@dataclass(frozen=True, slots=True)
class _Observed:
    bots: dict[int, BotStatus]
    manager_error: ManagerDown | None = None
    database_error: str | None = None

    def of(self, bot: Bot) -> _Seen:
        unknown = _("The bot manager does not answer.") if self.manager_error else self.database_error
        return _Seen(self.bots.get(bot.id), unknown)


def _observed(manager_url: str) -> _Observed:
    try:
        fleet = client.status(manager_url)
    except ManagerDown as error:
        return _Observed({}, manager_error=error)
    return _Observed({bot.id: bot for bot in fleet.bots}, database_error=fleet.database_error)


def _row(bot: Bot, found: _Seen) -> BotRow:
    seen = found.status
    state: State | None = seen.state if seen else "stopped"
    error = seen.error if seen else None
    if seen is None and bot.desired == "running" and found.unknown:
        state, error = None, found.unknown
    return BotRow(
        id=bot.id,
        name=bot.name,
        platform=bot.platform,
        assistant_id=bot.assistant_id,
        assistant=bot.assistant,
        desired=seen.desired if seen else bot.desired,
        state=state,
        worker=seen.worker if seen else None,
        pid=seen.pid if seen else None,
        since=seen.since if seen else None,
        error=error,
    )
