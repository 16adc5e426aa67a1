"""Blocking handles on the simulators, for tests and the demo: they speak the control interface over HTTP.

A handle works the same whether the simulator runs in a thread of this process or in another one. What the simulator
refuses is a ValueError with its sentence; what does not happen in time is a TimeoutError that says what did.
"""

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

_ANSWER_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class _Handle:
    url: str

    def ask(self, verb: str, path: str, body: object = None, **query: Any) -> Any:
        """One control request; the answer as Python values."""
        parts = urlsplit(self.url)
        wait = float(query.get("wait", 0))
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=wait + _ANSWER_SECONDS)
        known = {name: value for name, value in query.items() if value is not None}
        target = f"/simulator/{path}" + (f"?{urlencode(known)}" if known else "")
        try:
            connection.request(verb, target, None if body is None else json.dumps(body))
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        if response.status >= 400:
            raise ValueError(answer["error"])
        return answer

    def fault(
        self,
        *,
        kind: str,
        times: int = 1,
        seconds: float = 1.0,
        status: int = 500,
        after: int = 2,
        share: float = 1.0,
        **where: object,
    ) -> None:
        """Set a fault for the next calls that fit; ``times=-1``: until ``clear_faults``."""
        chosen = {name: _selected(name, value) for name, value in where.items() if value is not None}
        numbers = {"times": times, "seconds": seconds, "status": status, "after": after, "share": share}
        self.ask("POST", "faults", {"kind": kind, "where": chosen, **numbers})

    def clear_faults(self) -> None:
        """Take back all faults."""
        self.ask("DELETE", "faults")


@dataclass(frozen=True, slots=True)
class TelegramHandle(_Handle):
    """Telegram from the side of the people: ``url`` is what ``/bot<token>/<method>`` is appended to."""

    def add_bot(self, token: str, *, username: str = "", sees_all: bool = False) -> dict[str, Any]:
        """Make a token valid; ``sees_all``: the bot reads all messages of its groups."""
        body = {"token": token, "username": username, "sees_all": sees_all}
        shown: dict[str, Any] = self.ask("POST", "bots", body)
        return shown

    def bot(self, token: str) -> dict[str, Any]:
        """The bot's state, waiting updates and calls."""
        shown: dict[str, Any] = self.ask("GET", _path(token))
        return shown

    def revoke(self, token: str) -> None:
        """Make the token invalid; its waiting poll is answered with 401."""
        self.ask("POST", _path(token, "revoke"))

    def say(
        self, token: str, chat_id: int, text: str = "", *, sender: dict[str, Any] | None = None, **fields: Any
    ) -> int | None:
        """Write to the bot, returns the update's id, None when it does not see it; ``fields``: photo, voice, …"""
        body = {"chat_id": chat_id, "text": text, "from": sender, "fields": fields}
        update_id: int | None = self.ask("POST", _path(token, "messages"), body)["update_id"]
        return update_id

    def say_all(self, token: str, messages: list[tuple[int, str]]) -> list[int | None]:
        """Write many messages, (chat, text), in this order."""
        body = {"messages": [{"chat_id": chat_id, "text": text} for chat_id, text in messages]}
        return [done["update_id"] for done in self.ask("POST", _path(token, "messages"), body)]

    def edit(self, token: str, chat_id: int, message_id: int, text: str) -> int | None:
        """Change a user's message."""
        body = {"chat_id": chat_id, "message_id": message_id, "text": text}
        update_id: int | None = self.ask("POST", _path(token, "edits"), body)["update_id"]
        return update_id

    def press(self, token: str, chat_id: int, message_id: int, data: str) -> str:
        """Press a button; returns the id of the query that the bot should answer."""
        body = {"chat_id": chat_id, "message_id": message_id, "data": data}
        return str(self.ask("POST", _path(token, "presses"), body)["callback_query_id"])

    def push(self, token: str, kind: str, content: dict[str, Any], *, lane: int = 0) -> int | None:
        """Send any update: its kind and content in Telegram's words."""
        body = {"kind": kind, "content": content, "lane": lane}
        update_id: int | None = self.ask("POST", _path(token, "updates"), body)["update_id"]
        return update_id

    def open_chats(self, token: str, *chat_ids: int) -> None:
        """Let the bot write first in these chats."""
        self.ask("POST", _path(token, "chats"), {"chat_ids": chat_ids})

    def block(self, token: str, chat_id: int) -> None:
        """Block the bot in a private chat, or throw it out of a group."""
        self.ask("POST", _path(token, f"chats/{chat_id}/block"))

    def unblock(self, token: str, chat_id: int) -> None:
        """Let the bot in again."""
        self.ask("POST", _path(token, f"chats/{chat_id}/unblock"))

    def wait_for_poll(self, token: str, timeout: float = 10, *, after: int = 0) -> int:
        """Wait until the bot listens with a long poll; returns how many have begun, for ``after``."""
        polls = int(self.ask("GET", _path(token, "polls"), wait=timeout, after=after)["polls"])
        if polls <= after:
            raise TimeoutError(f"the bot began {polls} long polls in {timeout} s, not {after + 1}")
        return polls

    def sent(
        self, token: str, chat_id: int | None = None, count: int = 1, timeout: float = 10, *, after: int = 0
    ) -> list[dict[str, Any]]:
        """The bot's messages in the chat, oldest first, as soon as there are ``count``."""
        query = {"chat_id": chat_id, "count": count, "wait": timeout, "after": after}
        messages: list[dict[str, Any]] = self.ask("GET", _path(token, "sent"), **query)["messages"]
        if len(messages) < count:
            texts = [message.get("text") for message in messages]
            raise TimeoutError(f"the bot sent {len(messages)} messages in {timeout} s, not {count}: {texts}")
        return messages

    def last_sent(self, token: str) -> int:
        """The number of the bot's last message, for ``sent(after=…)``."""
        return int(self.bot(token)["last_sent"])

    def calls(
        self, token: str = "", method: str = "", *, count: int = 0, timeout: float = 10, after: int = 0
    ) -> list[dict[str, Any]]:
        """The last calls but getUpdates, of one bot and method if told, as soon as there are ``count``."""
        query = {"bot": _id(token) if token else None, "method": method, "after": after}
        wait = timeout if count else 0
        found: list[dict[str, Any]] = self.ask("GET", "calls", **query, count=count, wait=wait)
        if len(found) < count:
            raise TimeoutError(f"there were {len(found)} calls in {timeout} s, not {count}")
        return found

    def counters(self, token: str = "") -> dict[str, dict[str, int]]:
        """How often each method was answered with each status, by one bot or by all."""
        counted: dict[str, dict[str, int]] = self.bot(token)["calls"] if token else self.ask("GET", "counters")["calls"]
        return counted

    def limit(self, *, real: bool = False, **limits: float) -> None:
        """Put limits in force: Telegram's real ones, single ones, or none at all."""
        self.ask("PUT", "limits", {"real": real, **limits})


@dataclass(frozen=True, slots=True)
class OpenAIHandle(_Handle):
    """OpenAI from the inside: ``url`` is the base address for a client, with /v1."""

    def add_key(self, key: str, **properties: Any) -> dict[str, Any]:
        """Make a key valid: ``organization, project, requests_per_minute, tokens_per_minute, models``."""
        shown: dict[str, Any] = self.ask("POST", "keys", {"key": key, **properties})
        return shown

    def revoke(self, key: str) -> None:
        """Make a key invalid."""
        self.ask("DELETE", "keys", {"key": key})

    @property
    def calls(self) -> list[dict[str, Any]]:
        """The last calls, oldest first."""
        found: list[dict[str, Any]] = self.ask("GET", "calls")
        return found

    def wait_for_calls(self, count: int, timeout: float = 10, *, key: str = "", after: int = 0) -> list[dict[str, Any]]:
        """The calls above a number, as soon as ``count`` have ended."""
        query = {"count": count, "wait": timeout, "key": key, "after": after}
        found: list[dict[str, Any]] = self.ask("GET", "calls", **query)
        if len(found) < count:
            raise TimeoutError(f"there were {len(found)} calls in {timeout} s, not {count}")
        return found

    def wait_in_flight(self, count: int = 1, timeout: float = 10) -> int:
        """Wait until so many requests have begun and not ended; returns how many there are."""
        number = int(self.ask("GET", "in-flight", count=count, wait=timeout)["in_flight"])
        if number < count:
            raise TimeoutError(f"{number} requests were in flight after {timeout} s, not {count}")
        return number

    @property
    def counters(self) -> dict[str, Any]:
        """``{in_flight, models, statuses, keys}``: how many requests, by model, by status, by key."""
        counted: dict[str, Any] = self.ask("GET", "counters")
        return counted

    def change(self, **settings: Any) -> None:
        """Change ``any_key`` or ``models``."""
        self.ask("PUT", "settings", settings)


def _selected(name: str, value: object) -> str:
    """A bot may be named by its token."""
    return str(value).partition(":")[0] if name == "bot" else str(value)


def _id(token: str) -> str:
    return quote(token.partition(":")[0])


def _path(token: str, rest: str = "") -> str:
    return f"bots/{_id(token)}" + (f"/{rest}" if rest else "")
