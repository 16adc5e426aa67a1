"""Signals to sessions: whom they reach is compared in the statement that signals; they are watched to their end."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from chatai_core.adapters.postgres import Database, question
from chatai_core.adapters.postgres.database import written
from chatai_core.units import Detail, Seconds

Action = Literal["cancel", "terminate"]
Outcome = Literal["cancelled", "terminated", "ended", "spared"]

_PAUSE: Seconds = 0.05


@dataclass(frozen=True, slots=True)
class Target:
    """A session that is to be ended, as it was seen; ``query_start`` None when it runs no query."""

    pid: int
    backend_start: datetime
    query_start: datetime | None
    user: str | None
    application: str | None
    database: str | None
    state: str | None
    duration_seconds: Seconds | None
    query: str | None
    is_running: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """What happened to one session. ``confirmed``: it, or its query, was seen to be gone, after ``seconds``.

    ``outcome`` ended: it was gone before the signal. spared: it is no longer over the limit.
    """

    pid: int
    backend_start: Annotated[datetime, Detail]
    user: str | None
    application: str | None
    outcome: Outcome
    seconds: Seconds | None
    confirmed: bool
    query: Annotated[str | None, Detail]
    state: Annotated[str | None, Detail]
    wait: Annotated[str | None, Detail]


@dataclass(frozen=True, slots=True)
class _Present:
    """What a process is and does at this moment."""

    pid: int
    backend_start: datetime | None
    state: str | None
    query_start: datetime | None
    wait: str | None


_Over = Callable[[Target, _Present | None], bool]


def cancel(database: Database, targets: list[Target], *, wait: Seconds) -> list[Ended]:
    """Cancel the queries that were seen, and wait so long until they have ended."""
    began = time.monotonic()
    sent = {target.pid: _signal(database, "cancel", target) for target in targets}
    ended, present = _watch(database, [t for t in targets if sent[t.pid]], _has_no_query, wait, began)
    return [
        _told(target, "cancelled" if sent[target.pid] else "ended", ended, present, confirmed=not sent[target.pid])
        for target in targets
    ]


def terminate(
    database: Database, targets: list[Target], *, wait: Seconds, over: Seconds | None, cancel_for: Seconds
) -> list[Ended]:
    """Terminate sessions, and wait so long until they are gone; running queries are cancelled before.

    ``cancel_for`` is how long those may take to end, 0 not to cancel. A session that is no longer ``over`` is spared.
    """
    began = time.monotonic()
    running = [target for target in targets if target.is_running] if cancel_for else []
    cancelled = {done.pid for done in cancel(database, running, wait=cancel_for) if done.outcome == "cancelled"}
    # Whose query we have cancelled is no longer over the limit: because of us.
    limits = {target.pid: None if target.pid in cancelled else over for target in targets}
    sent = {target.pid: _signal(database, "terminate", target, limits[target.pid]) for target in targets}
    left_alone = _present(database, [target for target in targets if not sent[target.pid]])
    ended, present = _watch(database, [target for target in targets if sent[target.pid]], _is_gone, wait, began)
    return [
        _told(target, "terminated", ended, present)
        if sent[target.pid]
        else _told(
            target, "ended" if _is_gone(target, left_alone.get(target.pid)) else "spared", {}, {}, confirmed=True
        )
        for target in targets
    ]


def statement(action: Action, target: Target, over: Seconds | None = None) -> str:
    """The statement that signals, as psql takes it, in one line."""
    sql, parameters = _statement(action, target, over)
    return " ".join(written(sql.partition("\n")[2], parameters).rstrip(";").split())


def _signal(database: Database, action: Action, target: Target, over: Seconds | None = None) -> bool:
    sql, parameters = _statement(action, target, over)
    return bool(database.value(sql, **parameters))


def _statement(action: Action, target: Target, over: Seconds | None) -> tuple[str, dict[str, object]]:
    asked = question(__file__, action if over is None else "terminate_lasting")
    identity = {"pid": target.pid, "backend_start": target.backend_start, "query_start": target.query_start}
    return asked, {**identity, "over": over}


def _watch(
    database: Database, targets: list[Target], is_over: _Over, wait: Seconds, began: float
) -> tuple[dict[int, Seconds], dict[int, _Present]]:
    """After how many seconds each was over, and what those do that are not when the time is up."""
    deadline, ended, present = time.monotonic() + wait, dict[int, Seconds](), dict[int, _Present]()
    while left := [target for target in targets if target.pid not in ended]:
        present = _present(database, left)
        passed = round(time.monotonic() - began, 3)
        ended |= {target.pid: passed for target in left if is_over(target, present.get(target.pid))}
        if time.monotonic() >= deadline:
            break
        if len(ended) < len(targets):
            time.sleep(_PAUSE)
    return ended, present


def _present(database: Database, targets: list[Target]) -> dict[int, _Present]:
    if not targets:
        return {}
    rows = database.rows(_Present, question(__file__), pids=[target.pid for target in targets])
    return {row.pid: row for row in rows}


def _is_gone(target: Target, present: _Present | None) -> bool:
    return present is None or present.backend_start != target.backend_start


def _has_no_query(target: Target, present: _Present | None) -> bool:
    if present is None or _is_gone(target, present):
        return True
    return present.query_start != target.query_start or (present.state or "").startswith("idle")


def _told(
    target: Target,
    outcome: Outcome,
    ended: Mapping[int, Seconds],
    present: Mapping[int, _Present],
    *,
    confirmed: bool = False,
) -> Ended:
    now = present.get(target.pid) if target.pid not in ended else None
    return Ended(
        pid=target.pid,
        backend_start=target.backend_start,
        user=target.user,
        application=target.application,
        outcome=outcome,
        seconds=ended.get(target.pid),
        confirmed=confirmed or target.pid in ended,
        query=target.query,
        state=now.state if now else None,
        wait=now.wait if now else None,
    )
