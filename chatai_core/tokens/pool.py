"""Which key answers the next request, and what its answer means for the key.

A snapshot of the keys chooses, one statement reserves: limits are exact however many processes ask at once.
Every reservation is settled once, whatever becomes of it.
"""

import logging
import random
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from chatai_core.adapters.completions import Blame, Completion, Failed
from chatai_core.adapters.crypto import Cipher
from chatai_core.adapters.postgres import Database, question
from chatai_core.errors import BadData, Unavailable
from chatai_core.i18n import _
from chatai_core.settings import Secret
from chatai_core.tokens import keys
from chatai_core.tokens.keys import Key
from chatai_core.units import Seconds

logger = logging.getLogger(__name__)

ENV = "env"  # the name of OPENAI_API_KEY among the keys; in the ledger it has no number
PATIENCE = 3  # failures of the provider in a row, after which a key pauses
PAUSE: Seconds = 30.0
REST: Seconds = 15.0  # after a 429 that does not say how long


@dataclass(frozen=True, slots=True)
class Lease:
    """One request that was reserved with a key; OPENAI_API_KEY has no ``token_id``."""

    token_id: int | None
    name: str
    secret: Secret
    base_url: str | None
    reserved_at: datetime


@dataclass(frozen=True, slots=True)
class Attempt:
    """Whose request it was, which attempt at it, and how many seconds the attempt took.

    ``request_id`` has at most 36 characters; together with ``attempt`` (from 1) it is settled once.
    """

    request_id: str
    attempt: int
    model: str
    response_time: Seconds
    user_id: int | None = None
    assistant_id: int | None = None


@dataclass(frozen=True, slots=True)
class Blocked:
    """A key that cannot serve now, why, and until when; nothing is known of the end when a person must act."""

    name: str
    why: str
    until: datetime | None

    def __str__(self) -> str:
        """The key in the words of the error."""
        if self.until is None:
            return f"{self.name}: {self.why}"
        return _("{name}: {why} until {moment} UTC").format(
            name=self.name, why=self.why, moment=f"{self.until:%Y-%m-%d %H:%M:%S}"
        )


class NoKey(Unavailable):
    """No key of the pool can serve this model now."""

    def __init__(self, model: str, blocked: list[Blocked]) -> None:
        """Each key that serves the model is named with what blocks it."""
        self.blocked = blocked
        self.ready_at = min((key.until for key in blocked if key.until), default=None)
        super().__init__(
            _("No key of the pool can serve {model} now.").format(model=model),
            why="; ".join(map(str, blocked)) + "." if blocked else _("No key was added for this model."),
            hint="chatai tokens list" if blocked else "chatai tokens add NAME --token-stdin",
        )


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether the pool can work; an empty pool can. ``reason`` says why it cannot."""

    healthy: bool
    keys: int
    ready: int
    reason: str


def pick(
    database: Database,
    cipher: Cipher,
    model: str,
    *,
    env: Secret | None = None,
    without: Collection[int | None] = (),
) -> Lease:
    """Reserve one request with the best key that serves the model; OPENAI_API_KEY comes last. Raises NoKey.

    ``without`` are keys that this request has tried, None for OPENAI_API_KEY.
    """
    while True:
        serving = [key for key in keys.all(database) if serves(key, model)]
        ready = [key for key in serving if key.id not in without and _obstacle(key, cipher) is None]
        if not ready:
            break
        if lease := _reserved(database, cipher, min(ready, key=_preference)):
            return lease
    if env is not None and None not in without:
        return Lease(None, ENV, env, None, datetime.now(UTC))
    raise NoKey(model, [_blocked(key, cipher) for key in serving])


def serves(key: Key, model: str) -> bool:
    """Whether one of the key's names or patterns is this model."""
    return any(fnmatchcase(model, pattern) for pattern in key.models)


def settle(database: Database, lease: Lease, attempt: Attempt, outcome: Completion | Failed) -> bool:
    """Write what came of a lease into the ledger and judge its key; False when this was done before."""
    parameters = {
        "token_id": lease.token_id,
        "reserved_at": lease.reserved_at,
        "request_id": attempt.request_id,
        "attempt": attempt.attempt,
        "model": attempt.model,
        "response_time": attempt.response_time,
        "user_id": attempt.user_id,
        "assistant_id": attempt.assistant_id,
        "patience": PATIENCE,
        "pause": PAUSE,
        **(_failure(outcome) if isinstance(outcome, Failed) else _success(outcome)),
    }
    return bool(database.value(question(__file__, "settle"), **parameters))


def readiness(database: Database, cipher: Cipher, *, env: bool) -> Readiness:
    """Whether some key can work now or after a short rest; ``env``: whether OPENAI_API_KEY is set."""
    found = keys.all(database)
    working = [k for k in found if k.state == "cooling" or _obstacle(k, cipher) is None]
    blocked = [str(_blocked(key, cipher)) for key in found]
    reason = "" if working or env or not found else _("No key can work: {keys}.").format(keys="; ".join(blocked))
    return Readiness(not reason, len(found), sum(_obstacle(k, cipher) is None for k in found), reason)


def _preference(key: Key) -> tuple[int, float, float]:
    """The first tier, in it the key that has used the least of its limits, among equals any."""
    shares = [
        used / limit if limit else 0.0
        for used, limit in ((key.daily_usage, key.daily_limit), (key.monthly_usage, key.monthly_limit))
    ]
    return key.priority, max(shares), random.random()


def _obstacle(key: Key, cipher: Cipher) -> str | None:
    """What keeps the key from serving now, in words."""
    if key.state != "ready":
        return {
            "disabled": _("disabled"),
            "quarantined": _("in quarantine, {reason}").format(reason=(key.reason or "").rstrip(".")),
            "exhausted": _("its limit is used up"),
            "cooling": _("resting"),
        }[key.state]
    if key.sealed_with != cipher.key_id:
        return _("its secret was encrypted with another key")
    return None


def _blocked(key: Key, cipher: Cipher) -> Blocked:
    return Blocked(key.name, _obstacle(key, cipher) or _("it was tried and failed"), key.ready_at)


def _reserved(database: Database, cipher: Cipher, key: Key) -> Lease | None:
    """A lease of this key; None when others were faster, or its secret turns out to be damaged."""
    row = database.one(dict[str, Any], question(__file__, "reserve"), id=key.id)
    if row is None:
        return None
    try:
        secret = Secret(cipher.open(row["token"], row=f"ai_token_pool:{key.id}"))
    except BadData as error:
        logger.error("Key %s goes into quarantine: %s", key.name, error)
        database.execute(question(__file__, "quarantine"), id=key.id, reason=error.what)
        return None
    return Lease(key.id, row["name"], secret, row["base_url"], row["reserved_at"])


def _success(completion: Completion) -> dict[str, Any]:
    return {
        "prompt_tokens": completion.prompt_tokens,
        "completion_tokens": completion.completion_tokens,
        "error": None,
        "judges": True,
        "counts": False,
        "rest": None,
        "quarantine": False,
    }


def _failure(failed: Failed) -> dict[str, Any]:
    """How each kind of failure is judged; one of the request, or of one model, says nothing about the key."""
    blame = failed.blame
    return {
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "error": str(failed),
        "judges": blame not in {Blame.REQUEST, Blame.MODEL},
        "counts": blame is Blame.PROVIDER,
        "rest": (REST if failed.retry_after is None else failed.retry_after) if blame is Blame.RATE else None,
        "quarantine": blame in {Blame.KEY, Blame.QUOTA},
    }
