"""The dialogs: who talks with which bot, and what was said."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypedDict, Unpack, get_args

from chatai_core.adapters.postgres import Database, question
from chatai_core.errors import Misused, NotFound
from chatai_core.i18n import _
from chatai_core.units import Seconds

Status = Literal["active", "taken_over", "handoff_requested", "handoff_active"]
Channel = Literal["telegram", "website"]
Period = Literal["today", "week", "month"]
Sender = Literal["user", "assistant", "manager"]

LARGEST_PAGE = 100
_KINDS: dict[Sender, str] = {"user": "user", "assistant": "assistant", "manager": "operator"}


@dataclass(frozen=True, slots=True)
class Dialog:
    """The open dialog of a chat, as a bot needs it."""

    id: int
    user_id: int
    assistant_id: int | None
    is_taken_over: int
    handoff_status: str

    @property
    def is_led_by_a_person(self) -> bool:
        """Whether the assistant must be silent: somebody has taken over, or was asked to."""
        return bool(self.is_taken_over) or self.handoff_status in {"requested", "active"}


@dataclass(frozen=True, slots=True)
class DialogSummary:
    """One dialog with its last message, as lists show it; what stands after ``name`` is not known of Telegram chats."""

    id: int
    user_id: int
    assistant_id: int | None
    bot_id: int | None
    started_at: datetime
    ended_at: datetime | None
    last_message_at: datetime | None
    last_message_text: str | None
    auto_response: int
    first_response_time: Seconds | None
    fallback: int
    is_taken_over: int
    telegram_chat_id: str | None
    telegram_username: str | None
    first_name: str | None
    last_name: str | None
    guest_id: str | None
    handoff_status: str
    handoff_requested_at: datetime | None
    handoff_started_at: datetime | None
    handoff_resolved_at: datetime | None
    handoff_reason: str | None
    assigned_manager_id: int | None
    request_id: str | None
    channel_type: str
    name: str | None
    email: str | None = None
    topic: str | None = None
    comment: str | None = None
    sentiment: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some dialogs of many; ``page`` counts from 1."""

    items: list[DialogSummary]
    total: int
    page: int
    pages: int
    limit: int


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a dialog."""

    id: int
    sender: str
    text: str
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class Said:
    """A message that is to be added to a dialog."""

    sender: Sender
    text: str


@dataclass(frozen=True, slots=True)
class Person:
    """Whoever writes to a bot, as Telegram names them."""

    username: str | None = None
    first_name: str | None = None
    last_name: str | None = None


class Filters(TypedDict, total=False):
    """Which dialogs are wanted; ``search`` looks in names, numbers and messages."""

    search: str | None
    status: Status | None
    channel: Channel | None
    assistant_id: int | None
    time_filter: Period | None


def opened(database: Database, bot_id: int, chat: str, person: Person) -> Dialog:
    """The open dialog of a Telegram chat with a bot, made when it is not there; one, however many ask at once.

    Raises NotFound when there is no such bot.
    """
    known = {
        "bot_id": bot_id,
        "chat": chat,
        "username": _storable(person.username),
        "first_name": _storable(person.first_name),
        "last_name": _storable(person.last_name),
    }
    for name in ("found_dialog", "open_dialog"):
        dialog = database.one(Dialog, question(__file__, name), **known)
        if dialog is not None:
            return dialog
    raise NotFound(_("There is no bot {id}.").format(id=bot_id), hint="chatai bots list")


def append(database: Database, dialog_id: int, *messages: Said) -> list[int]:
    """Add messages to a dialog, all or none, in this order; their numbers. Raises NotFound."""
    numbers = database.rows(
        lambda id: int(id),
        question(__file__, "append"),
        dialog_id=dialog_id,
        senders=[message.sender for message in messages],
        texts=[storable(message.text) for message in messages],
        kinds=[_KINDS[message.sender] for message in messages],
    )
    if messages and not numbers:
        raise _missing(dialog_id)
    return numbers


def page(database: Database, owner: int | None, *, page: int = 1, limit: int = 50, **filters: Unpack[Filters]) -> Page:
    """One page of the owner's dialogs, or of everybody's (None), the newest first. Raises Misused."""
    _must_be_known(filters)
    if page < 1 or not 1 <= limit <= LARGEST_PAGE:
        raise Misused(
            _("There is no such page of dialogs."),
            why=_("Pages count from 1 and hold 1 to {limit} dialogs.").format(limit=LARGEST_PAGE),
        )
    found = _counted(database, owner, filters, limit=limit, offset=(page - 1) * limit)
    if not found and page > 1:  # behind the last page: its number is still wanted
        total = next((total for total, _first in _counted(database, owner, filters, limit=1)), 0)
        return Page([], total, page, math.ceil(total / limit), limit)
    total = found[0][0] if found else 0
    return Page([summary for _total, summary in found], total, page, math.ceil(total / limit), limit)


def show(database: Database, id: int, *, owner: int | None = None) -> DialogSummary:
    """One dialog; with an owner, only when it is theirs. Raises NotFound."""
    found = _counted(database, owner, {}, id=id)
    if not found:
        raise _missing(id)
    return found[0][1]


def messages(database: Database, id: int, *, owner: int | None = None) -> list[Message]:
    """What was said in a dialog, the oldest first; with an owner, only when it is theirs. Raises NotFound."""
    show(database, id, owner=owner)
    return database.rows(Message, question(__file__, "messages"), dialog_id=id)


def storable(text: str) -> str:
    """The text as PostgreSQL and JSON can keep it: without NUL and without halves of surrogate pairs."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _counted(
    database: Database,
    owner: int | None,
    filters: Filters,
    *,
    id: int | None = None,
    limit: int = 1,
    offset: int = 0,
) -> list[tuple[int, DialogSummary]]:
    """Dialogs, each with the number of all that fit."""
    parameters = {
        "status": filters.get("status"),
        "channel": filters.get("channel"),
        "time_filter": filters.get("time_filter"),
        "assistant_id": filters.get("assistant_id"),
        "search": _storable(filters.get("search")),
    }
    return database.rows(_with_total, question(__file__), owner=owner, id=id, limit=limit, offset=offset, **parameters)


def _with_total(*, total: int, **columns: Any) -> tuple[int, DialogSummary]:
    return total, DialogSummary(**columns)


def _must_be_known(filters: Filters) -> None:
    for name, known in (("status", Status), ("channel", Channel), ("time_filter", Period)):
        value = filters.get(name)
        if value is not None and value not in get_args(known):
            raise Misused(
                _("{name} cannot be {value}.").format(name=name, value=repr(value)),
                why=_("It is one of {choices}.").format(choices=", ".join(get_args(known))),
            )


def _storable(text: str | None) -> str | None:
    """The same of what may be missing; nothing is left of an empty one."""
    return storable(text or "") or None


def _missing(id: int) -> NotFound:
    return NotFound(_("There is no dialog {id}.").format(id=id))
