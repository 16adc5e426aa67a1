"""How often somebody may try: a sliding window in Redis, a plain one in this process while Redis is away."""

import functools
import ipaddress
import logging
import secrets
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chatai_core.errors import ChataiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from chatai_core.adapters.redis import Redis

logger = logging.getLogger(__name__)

_PAUSE = 5.0  # seconds without asking a Redis that has just failed
MOST_KEYS = 10_000


@dataclass(frozen=True, slots=True)
class Limit:
    """So many attempts in so many seconds."""

    name: str
    attempts: int
    seconds: int


LOGIN = Limit("login", 100, 300)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether this attempt is allowed, how many are left, and the seconds until there is room for one more."""

    allowed: bool
    limit: int
    remaining: int
    reset_after: float

    @property
    def reset_at(self) -> int:
        """When that is, in seconds since 1970."""
        return round(time.time() + self.reset_after)


class Limiter:
    """Counts the attempts of one process or, through Redis, of all processes together."""

    def __init__(self, redis: "Callable[[], Redis]") -> None:
        self._redis = redis
        self._again_at = 0.0
        self._own = OwnWindows()

    def attempt(self, limit: Limit, who: str) -> Verdict:
        """Count an attempt of ``who`` (an address or a user); refused attempts are not counted."""
        key = f"chatai:limit:{limit.name}:{who}"
        if time.monotonic() >= self._again_at:
            try:
                return _shared(self._redis(), limit, key)
            except ChataiError as error:
                self._again_at = time.monotonic() + _PAUSE
                logger.warning("request limits count in this process alone: %s", error)
        return self._own.attempt(limit, key)


class OwnWindows:
    """Windows of one process: each begins with its first attempt and is forgotten at its end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._windows: dict[str, tuple[float, int]] = {}

    def __len__(self) -> int:
        return len(self._windows)

    def attempt(self, limit: Limit, key: str) -> Verdict:
        """Count an attempt."""
        with self._lock:
            now = time.monotonic()
            ends, counted = self._windows.get(key, (0.0, 0))
            if now >= ends:
                self._make_room(now)
                ends, counted = now + limit.seconds, 0
            allowed = counted < limit.attempts
            counted += allowed
            self._windows[key] = (ends, counted)
        return Verdict(allowed, limit.attempts, limit.attempts - counted, ends - now)

    def _make_room(self, now: float) -> None:
        if len(self._windows) >= MOST_KEYS:
            self._windows = {key: window for key, window in self._windows.items() if window[0] > now}
        while len(self._windows) >= MOST_KEYS:
            del self._windows[next(iter(self._windows))]


def network_of(address: str) -> str:
    """What one attacker has to itself: the IPv4 address, or the /64 of an IPv6 one.

    >>> network_of("203.0.113.7"), network_of("2001:db8:1:2:3:4:5:6")
    ('203.0.113.7', '2001:db8:1:2::/64')
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(parsed) if parsed.version == 4 else str(ipaddress.ip_network((parsed, 64), strict=False))


def _shared(redis: "Redis", limit: Limit, key: str) -> Verdict:
    script = redis.script(_window())
    with redis.translated():
        granted, counted, wait = script(keys=[key], args=[limit.attempts, limit.seconds * 1000, secrets.token_hex(8)])
    return Verdict(bool(granted), limit.attempts, limit.attempts - int(counted), int(wait) / 1000)


@functools.cache
def _window() -> str:
    return Path(__file__).with_name("window.lua").read_text("utf-8")
