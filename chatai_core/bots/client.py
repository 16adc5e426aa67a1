"""The bot manager, asked by the command line and the backend."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from chatai_core.bots.status import BotStatus, WorkerStatus
from chatai_core.bots.wire import State
from chatai_core.errors import BadData, Busy, ChataiError, NotPermitted, Unavailable
from chatai_core.i18n import _
from chatai_core.settings import Secret
from chatai_core.units import Seconds

if TYPE_CHECKING:
    from chatai_core.adapters import http

KEY_HEADER = "X-Chatai-Key"
WAIT: Seconds = 20.0
_PATIENCE: Seconds = 4.0  # with a trouble that may pass by itself
_ASK_EVERY: Seconds = 0.1
_SILENCE: Seconds = 10.0
_TROUBLES: dict[State, tuple[type[ChataiError], str]] = {
    "revoked": (NotPermitted, "chatai bots update {id} --token-stdin"),
    "conflict": (Busy, "chatai bots status {id}"),
    "flood": (Busy, "chatai bots status {id}"),
    "degraded": (Unavailable, "chatai bots status {id}"),
    "crashed": (Unavailable, "chatai logs errors"),
}

Shape = TypeVar("Shape")


@dataclass(frozen=True, slots=True)
class FleetStatus:
    """What the manager says of itself and of all bots that run or should; the names are its JSON's."""

    totalBots: int  # noqa: N815
    bots: list[BotStatus]
    pid: int
    started_at: datetime
    database_error: str | None
    workers: list[WorkerStatus]


class ManagerDown(Unavailable):
    """The bot manager does not answer."""


def status(manager_url: str) -> FleetStatus:
    """The whole fleet as it is observed. Raises ManagerDown."""
    with _manager(manager_url) as manager:
        return _typed(manager.get("/status"), FleetStatus)


def show(manager_url: str, id: int) -> BotStatus:
    """One bot as it is observed. Raises ManagerDown, NotFound."""
    with _manager(manager_url) as manager:
        return _typed(manager.get(f"/bots/{id}"), BotStatus)


def start(manager_url: str, key: Secret, id: int, *, wait: Seconds | None = WAIT) -> BotStatus:
    """Start a bot and wait until it runs; without ``wait`` return at once.

    Raises ManagerDown, NotFound, and what keeps it from running: NotPermitted (its token is revoked), Busy (another
    program uses the token, Telegram asks to wait, the time is over), Unavailable (Telegram does not answer).
    """
    return _told(manager_url, key, id, "start", "running", wait)


def stop(manager_url: str, key: Secret, id: int, *, wait: Seconds | None = WAIT) -> BotStatus:
    """Stop a bot and wait until its last answer is given. Raises ManagerDown, NotFound, Busy (the time is over)."""
    return _told(manager_url, key, id, "stop", "stopped", wait)


def restart(manager_url: str, key: Secret, id: int, *, wait: Seconds | None = WAIT) -> BotStatus:
    """Stop a bot, start it again, and wait until it runs. Raises as ``start``."""
    return _told(manager_url, key, id, "restart", "running", wait)


def awaited(manager_url: str, id: int, wanted: State, *, wait: Seconds = WAIT) -> BotStatus:
    """Wait until a bot is running, or stopped. Raises as ``start``, and Busy when somebody wants the contrary now."""
    ends = time.monotonic() + wait
    troubled_at: float | None = None
    with _manager(manager_url) as manager:
        while True:
            seen = _typed(manager.get(f"/bots/{id}"), BotStatus)
            if seen.state == wanted:
                return seen
            if (seen.desired == "running") is not (wanted == "running"):
                raise _overtaken(seen)
            now = time.monotonic()
            troubled_at = (troubled_at or now) if wanted == "running" and seen.state in _TROUBLES else None
            patience = 0.0 if seen.state == "revoked" else _PATIENCE
            if now >= ends or (troubled_at is not None and now - troubled_at >= patience):
                raise _failure(seen, wanted)
            time.sleep(_ASK_EVERY)


def reconcile(manager_url: str, key: Secret) -> None:
    """Let the manager look at once at what was changed in the database. Raises ManagerDown."""
    with _manager(manager_url, key) as manager:
        manager.post("/reconcile")


def _told(manager_url: str, key: Secret, id: int, verb: str, wanted: State, wait: Seconds | None) -> BotStatus:
    with _manager(manager_url, key) as manager:
        seen = _typed(manager.post(f"/bots/{id}/{verb}"), BotStatus)
    return seen if wait is None else awaited(manager_url, id, wanted, wait=wait)


def _overtaken(seen: BotStatus) -> ChataiError:
    return Busy(
        _("Somebody has told bot {id} the contrary meanwhile.").format(id=seen.id),
        why=_("It is {state} now, and should be {desired}.").format(state=seen.state, desired=seen.desired),
        hint=f"chatai bots status {seen.id}",
    )


def _failure(seen: BotStatus, wanted: State) -> ChataiError:
    """Why a bot is not in the state that was wanted."""
    if wanted != "running" or seen.state not in _TROUBLES:
        return Busy(
            _("Bot {id} is still {state}.").format(id=seen.id, state=seen.state),
            why=seen.error or _("It was waited for long enough; it goes on by itself."),
            hint=f"chatai bots status {seen.id}",
        )
    kind, hint = _TROUBLES[seen.state]
    what = _("Bot {id} does not run: its state is {state}.").format(id=seen.id, state=seen.state)
    return kind(what, why=seen.error or "", hint=hint.format(id=seen.id))


@contextmanager
def _manager(url: str, key: Secret | None = None) -> "Iterator[http.Client]":
    from chatai_core.adapters import http  # httpx: 60 ms

    with http.Client(url, headers={KEY_HEADER: key.reveal()} if key else {}, timeout=_SILENCE) as client:
        try:
            yield client
        except http.NoAnswer as error:
            raise ManagerDown(
                _("The bot manager does not answer at {url}.").format(url=client.base_url),
                why=error.why,
                hint="chatai bots manager",
            ) from error


def _typed(answer: Any, kind: type[Shape]) -> Shape:
    try:
        return msgspec.convert(answer, kind)
    except msgspec.ValidationError as error:
        raise BadData(
            _("What answers as the bot manager is another program, or of another version."),
            why=f"{error}.",
            hint="chatai config show --origin",
        ) from error
