"""What is observed of the fleet, as the manager tells it and the command line reads it."""

from dataclasses import dataclass
from datetime import datetime

from chatai_core.bots.wire import State


@dataclass(frozen=True, slots=True)
class BotStatus:
    """One bot; the first six are the old manager's names, ``active`` means that it is running."""

    id: int
    type: str
    assistant: str
    platform: str
    active: bool
    pid: int | None
    name: str | None
    desired: str
    state: State
    worker: int | None
    since: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """One worker process; ``pid`` is empty while it waits to be started again."""

    worker: int
    pid: int | None
    bots: list[int]
    restarts: int
    started_at: datetime | None
    last_beat: datetime | None
    in_hand: int


@dataclass(frozen=True, slots=True)
class Status:
    """The whole fleet; ``database_error`` says why the desired states may be out of date."""

    pid: int
    started_at: datetime
    database_error: str | None
    bots: list[BotStatus]
    workers: list[WorkerStatus]
