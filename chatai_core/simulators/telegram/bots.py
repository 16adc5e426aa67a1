"""The bots that the simulator knows, their chats, and what each has sent."""

import time
from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from chatai_core.simulators.bell import Bell
from chatai_core.simulators.telegram.updates import Updates

_FIRST_SUPERGROUP = -1_000_000_000_000


@dataclass(slots=True)
class Chat:
    """A chat that the bot may write to."""

    id: int
    shown: dict[str, Any]
    is_closed: bool = False

    @property
    def kind(self) -> str:
        """Telegram's word: private, group or supergroup."""
        return kind_of(self.id)

    @property
    def why_closed(self) -> str:
        """Why the bot cannot write here any more."""
        if self.kind == "private":
            return "bot was blocked by the user"
        return f"bot was kicked from the {self.kind} chat"


def kind_of(chat_id: int) -> str:
    """The kind of a chat, which its id tells."""
    if chat_id > 0:
        return "private"
    return "supergroup" if chat_id <= _FIRST_SUPERGROUP else "group"


@dataclass(frozen=True, slots=True)
class Sent:
    """A message of the bot: the number grows with every message and edit, the body is Telegram's JSON."""

    number: int
    chat_id: int
    message_id: int
    body: bytes


@dataclass(slots=True)
class Outbox:
    """The last messages of a bot, oldest first; an edited one moves to the end."""

    keep: int
    bell: Bell = field(default_factory=Bell)
    last: int = 0
    _messages: OrderedDict[tuple[int, int], Sent] = field(default_factory=OrderedDict)

    def put(self, chat_id: int, message: dict[str, Any]) -> bytes:
        """Keep a message, or its new version; return it as JSON."""
        key = (chat_id, message["message_id"])
        self.last += 1
        body = msgspec.json.encode(message)
        self._messages[key] = Sent(self.last, *key, body)
        self._messages.move_to_end(key)
        if len(self._messages) > self.keep:
            self._messages.popitem(last=False)
        self.bell.ring()
        return body

    def get(self, chat_id: int, message_id: int) -> dict[str, Any] | None:
        """The message as it stands, None when there is none."""
        sent = self._messages.get((chat_id, message_id))
        return msgspec.json.decode(sent.body) if sent else None

    def remove(self, chat_id: int, message_id: int) -> bool:
        """Delete a message; say whether it was there."""
        return self._messages.pop((chat_id, message_id), None) is not None

    def after(self, number: int, chat_id: int | None = None) -> list[Sent]:
        """The messages above the number, of one chat or of all, oldest first."""
        found = [sent for sent in self._newest_down_to(number) if chat_id is None or sent.chat_id == chat_id]
        return found[::-1]

    def _newest_down_to(self, number: int) -> Iterator[Sent]:
        for sent in reversed(self._messages.values()):
            if sent.number <= number:
                return
            yield sent


class Bot:
    """One bot: who it is, what waits for it, what it did."""

    def __init__(self, token: str, username: str, first_name: str, *, sees_all: bool, keep: int) -> None:
        self.token = token
        self.id = int(token.partition(":")[0])
        self.user = {"id": self.id, "is_bot": True, "first_name": first_name, "username": username}
        self.sees_all = sees_all
        self.is_revoked = False
        self.is_logged_out = False
        self.first_call = 0.0
        self.commands: list[Any] = []
        self.updates = Updates(self.id)
        self.outbox = Outbox(keep)
        self.chats: dict[int, Chat] = {}
        self.calls: Counter[tuple[str, int]] = Counter()
        self.unanswered: OrderedDict[str, None] = OrderedDict()
        self._last_message_id: Counter[int] = Counter()

    def inherit(self, before: "Bot") -> None:
        """Go on where the bot was with its former token."""
        self.updates, self.outbox, self.chats = before.updates, before.outbox, before.chats
        self._last_message_id = before._last_message_id

    @property
    def username(self) -> str:
        """The name with which a group addresses the bot."""
        return str(self.user["username"])

    def chat(self, chat_id: int, sender: dict[str, Any] | None = None) -> Chat:
        """The chat, made known to the bot when it is new."""
        known = self.chats.get(chat_id)
        if known is None:
            known = self.chats[chat_id] = Chat(chat_id, _shown(chat_id, sender or {}))
        return known

    def next_message_id(self, chat_id: int) -> int:
        """Count messages as Telegram does: per supergroup, all other chats of an account together."""
        box = chat_id if kind_of(chat_id) == "supergroup" else 0
        self._last_message_id[box] += 1
        return self._last_message_id[box]

    def has_message(self, chat_id: int, message_id: int) -> bool:
        """Whether this number was given to a message of the bot's chats."""
        box = chat_id if kind_of(chat_id) == "supergroup" else 0
        return 0 < message_id <= self._last_message_id[box]

    def expect_answer(self, query_id: str) -> None:
        """Remember a pressed button until the bot answers it; only the last thousand."""
        self.unanswered[query_id] = None
        if len(self.unanswered) > 1000:
            self.unanswered.popitem(last=False)


def _shown(chat_id: int, sender: dict[str, Any]) -> dict[str, Any]:
    if chat_id < 0:
        return {"id": chat_id, "title": f"Group {-chat_id}", "type": kind_of(chat_id)}
    names = {name: sender[name] for name in ("first_name", "last_name", "username") if name in sender}
    return {"id": chat_id, **({"first_name": "User"} | names), "type": "private"}


def now() -> int:
    """The time as Telegram writes it."""
    return int(time.time())
