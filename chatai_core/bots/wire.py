"""What the manager and its workers say to each other: JSON lines over the worker's stdin and stdout."""

from datetime import datetime
from typing import Literal

import msgspec

State = Literal["stopped", "starting", "running", "degraded", "flood", "conflict", "revoked", "crashed"]


class Start(msgspec.Struct, frozen=True, tag="start"):
    """Run this bot; nothing happens when it runs already."""

    bot: int


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """Finish the replies in hand and stop this bot."""

    bot: int


class Drain(msgspec.Struct, frozen=True, tag="drain"):
    """Stop every bot like this, then end the process."""


class Observed(msgspec.Struct, frozen=True, tag="observed"):
    """A bot's state has changed; ``error`` says what is wrong with it."""

    bot: int
    state: State
    since: datetime
    error: str | None = None


class Beat(msgspec.Struct, frozen=True, tag="beat"):
    """The worker's event loop is alive; ``in_hand`` is the number of messages being answered."""

    in_hand: int


Command = Start | Stop | Drain
Report = Observed | Beat

_commands: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Start | Stop | Drain)
_reports: msgspec.json.Decoder[Report] = msgspec.json.Decoder(Observed | Beat)


def line(message: Command | Report) -> bytes:
    """The message as one line."""
    return msgspec.json.encode(message) + b"\n"


def command(text: bytes) -> Command:
    """What the manager asks. Raises msgspec.DecodeError."""
    return _commands.decode(text)


def report(text: bytes) -> Report:
    """What a worker tells. Raises msgspec.DecodeError."""
    return _reports.decode(text)
