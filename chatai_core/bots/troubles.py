"""What Telegram's refusals mean for a bot: its state, the sentence about it, and when to try again."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from telegram.error import Conflict, EndPointNotFound, Forbidden, InvalidToken, RetryAfter, TelegramError

from chatai_core.bots.backoff import Backoff
from chatai_core.bots.wire import State
from chatai_core.i18n import _


@dataclass(frozen=True, slots=True)
class Trouble:
    """``pause`` is in seconds; None when trying again is useless."""

    state: State
    error: str
    pause: float | None


@dataclass(slots=True)
class Troubles:
    """The troubles of one bot, one after the other."""

    _network: Backoff = field(default_factory=lambda: Backoff(first=1.0, most=60.0))
    _conflict: Backoff = field(default_factory=lambda: Backoff(first=2.0, most=30.0))

    def read(self, error: TelegramError) -> Trouble:
        """What this error means."""
        if _is_refusal(error):
            return Trouble("revoked", _("Telegram does not accept the token: it was revoked or changed."), None)
        if isinstance(error, Conflict):
            what = _("Another program receives this bot's messages with the same token.")
            return Trouble("conflict", what, self._conflict.pause(time.monotonic()))
        if isinstance(error, RetryAfter):
            seconds = seconds_of(error)
            until = datetime.now(UTC) + timedelta(seconds=seconds)
            return Trouble(
                "flood", _("Telegram asks to wait until {time}.").format(time=f"{until:%H:%M:%S} UTC"), seconds
            )
        what = _("Telegram does not answer: {reason}.").format(reason=error.message.rstrip("."))
        return Trouble("degraded", what, self._network.pause(time.monotonic()))

    def over(self) -> None:
        """A call has succeeded."""
        self._network.reset()
        self._conflict.reset()


def seconds_of(error: RetryAfter) -> float:
    """How long a 429 asks to wait."""
    wait = error.retry_after  # the library is on its way from int to timedelta
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)


def _is_refusal(error: TelegramError) -> bool:
    # A 404 whose body is no JSON comes from another web server: the address is wrong, not the token.
    return isinstance(error, InvalidToken | Forbidden | EndPointNotFound) and error.__cause__ is None
