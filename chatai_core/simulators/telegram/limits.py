"""How often a bot may call: Telegram's limits, all off until they are switched on."""

import math
import time
from collections import deque
from collections.abc import Hashable
from typing import Protocol

import msgspec

from chatai_core.simulators.telegram.bots import Bot, Chat
from chatai_core.simulators.telegram.calls import too_many


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is allowed; 0 means as often as one likes.

    ``idle_polls``: a getUpdates with the offset of the one before, less than 3 s ago, waits 3 s at least, and within
    half a second it returns one update only.
    """

    chat_per_second: float = 0
    chat_burst: int = 3
    group_per_minute: int = 0
    bot_per_second: float = 0
    webhook_per_second: float = 0
    new_bots_per_minute: int = 0
    new_bots_per_hour: int = 0
    idle_polls: bool = False


# Telegram's FAQ for the messages, the source of its server for the rest.
REAL = Limits(
    chat_per_second=1,
    chat_burst=3,
    group_per_minute=20,
    bot_per_second=30,
    webhook_per_second=1,
    new_bots_per_minute=20,
    new_bots_per_hour=600,
    idle_polls=True,
)


class Meter(Protocol):
    """Something that counts events and says how long to wait."""

    def wait(self, now: float) -> float:
        """Seconds until the next event is allowed; 0 counts one."""


class Bucket:
    """So many per second on average, and a burst at once."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._level, self._at = burst, 0.0

    def wait(self, now: float) -> float:
        """Seconds until the next event is allowed; 0 counts one."""
        self._level = min(self._burst, self._level + (now - self._at) * self._rate)
        self._at = now
        if self._level < 1:
            return (1 - self._level) / self._rate
        self._level -= 1
        return 0.0


class Window:
    """At most so many within any stretch of so many seconds."""

    def __init__(self, most: int, seconds: float) -> None:
        self._seconds = seconds
        self._times: deque[float] = deque(maxlen=most)

    def wait(self, now: float) -> float:
        """Seconds until the next event is allowed; 0 counts one."""
        if len(self._times) == self._times.maxlen and now < self._times[0] + self._seconds:
            return self._times[0] + self._seconds - now
        self._times.append(now)
        return 0.0


class Throttle:
    """Counts the calls against the limits."""

    def __init__(self) -> None:
        self.limits = Limits()
        self._meters: dict[Hashable, Meter] = {}

    def change(self, limits: Limits) -> None:
        """Put other limits in force; counting begins anew."""
        self.limits = limits
        self._meters.clear()

    def admit_message(self, bot: Bot, chat: Chat) -> None:
        """Count a message; too many is a 429 failure."""
        limits = self.limits
        if chat.kind == "private" and limits.chat_per_second:
            self._admit((bot.id, chat.id), Bucket(limits.chat_per_second, max(limits.chat_burst, 1)))
        elif chat.kind != "private" and limits.group_per_minute:
            self._admit((bot.id, chat.id), Window(limits.group_per_minute, 60))
        if limits.bot_per_second:
            self._admit((bot.id,), Bucket(limits.bot_per_second, max(limits.bot_per_second, 1)))

    def admit_webhook(self, bot: Bot) -> None:
        """Count a setWebhook."""
        if self.limits.webhook_per_second:
            self._admit((bot.id, "webhook"), Bucket(self.limits.webhook_per_second, 1))

    def admit_bot(self, address: str) -> None:
        """Count a bot that calls for the first time, per address of the caller."""
        if self.limits.new_bots_per_hour:
            self._admit((address, "hour"), Window(self.limits.new_bots_per_hour, 3600))
        if self.limits.new_bots_per_minute:
            self._admit((address, "minute"), Window(self.limits.new_bots_per_minute, 60))

    def _admit(self, key: Hashable, fresh: Meter) -> None:
        wait = self._meters.setdefault(key, fresh).wait(time.monotonic())
        if wait > 0:
            raise too_many(max(1, math.ceil(wait)))
