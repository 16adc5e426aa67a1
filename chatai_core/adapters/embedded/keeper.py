"""The process that owns the embedded servers of one home, from their first user to their last.

Started by ``hiring.hire`` with the home, the keeper's lock and its listening socket. It imports little: every first
command of a developer waits for it.
"""

import fcntl
import json
import os
import selectors
import shutil
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Protocol

from chatai_core.adapters.embedded import cluster, valkey
from chatai_core.adapters.embedded.hiring import opened
from chatai_core.adapters.embedded.owner import Owner, owner
from chatai_core.adapters.embedded.places import Places, not_made
from chatai_core.adapters.embedded.server import Process
from chatai_core.errors import ChataiError

# Seconds until a server is stopped the hard way. PostgreSQL first writes out what it has changed: cut short, that costs
# a recovery, and all its counters.
_STOP_WITHIN, _STOP_HARD_WITHIN = 40.0, 10.0
_WORTH_REVIVING = 2.0  # seconds that a server must have lived: one that dies at once would be started for ever
_NOBODY_LEFT = 0  # stands among the numbers of signals in the wake-up pipe


class Kind(Protocol):
    """What ``cluster`` and ``valkey`` have in common."""

    STOP: signal.Signals
    STOP_HARD: signal.Signals

    def adopted(self, places: Places) -> Process | None: ...
    def answers(self, places: Places, process: Process) -> bool: ...
    def start(self, places: Places, owner: Owner, wheel: Path) -> Process: ...


_KINDS: dict[str, Kind] = {"postgres": cluster, "valkey": valkey}


class Keeper:
    """The servers of one home, and what is to be done about them."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._wheels: dict[str, Path] = {}
        self._running = {name: found for name, kind in _KINDS.items() if (found := kind.adopted(places))}

    def answer(self, connection: socket.socket) -> None:
        """Start what a user asks for, and say how that went."""
        connection.settimeout(5)
        try:
            with connection, connection.makefile("rwb") as stream:
                ask: dict[str, str | None] = json.loads(stream.readline())
                self._wheels.update({name: Path(wheel) for name, wheel in ask.items() if wheel})
                answer = self._start([name for name, wheel in ask.items() if wheel])
                stream.write(json.dumps(answer).encode() + b"\n")
        except (OSError, ValueError):
            pass  # the user is gone

    def revive(self) -> None:
        """Bring back a server that somebody killed."""
        now = time.monotonic()
        dead = [name for name in self._wheels if name in self._running and not self._running[name].is_alive]
        worth = [name for name in dead if now - self._running[name].since > _WORTH_REVIVING]
        if worth:
            sys.stderr.write(f"reviving {worth}: {self._start(worth)}\n")

    def stop(self) -> None:
        """Stop both at the same time, the gentle way first; also one that was never ready."""
        started = {name: found for name, kind in _KINDS.items() if (found := kind.adopted(self._places))}
        self._running = started | self._running
        self._stop(list(self._running))

    def _start(self, names: list[str]) -> dict[str, object]:
        try:
            for name in names:
                self._start_one(name, _KINDS[name])
        except ChataiError as error:
            return {"error": [type(error).__name__, error.what, error.why, error.hint]}
        except OSError as error:
            refused = not_made(Path(error.filename or self._places.home), error)
            return {"error": ["CannotCreate", refused.what, refused.why, refused.hint]}
        return {}

    def _start_one(self, name: str, kind: Kind) -> None:
        running = self._running.get(name)
        if running is not None and kind.answers(self._places, running):
            return
        self._stop([name])
        user = owner()
        user.must_reach(self._places.home)
        self._running[name] = kind.start(self._places, user, self._wheels[name])

    def _stop(self, names: list[str]) -> None:
        stopping = [(_KINDS[name], self._running.pop(name)) for name in names if name in self._running]
        for kind, process in stopping:
            process.send(kind.STOP)
        for kind, process in stopping:
            for harder, within in ((kind.STOP_HARD, _STOP_WITHIN), (signal.SIGKILL, _STOP_HARD_WITHIN)):
                if process.ends(within):
                    break
                process.send(harder)


def main(home: str, lock: str, listener: str) -> None:
    """Keep the servers until nobody holds the users' lock any more."""
    if os.fork():
        os._exit(0)  # the user who started it is not to have a child, which it would have to bury
    for descriptor in (int(lock), int(listener)):
        os.set_inheritable(descriptor, False)  # the servers are to outlive neither
    places = Places(Path(home))
    woken = _woken_by_signals()
    keeper = Keeper(places)
    threading.Thread(target=_wait_for_the_last, args=(places, woken[1]), daemon=True).start()
    with socket.socket(fileno=int(listener)) as asked:
        _serve(keeper, asked, woken[0])
        keeper.stop()
        places.keeper_socket.unlink(missing_ok=True)
    if places.sockets != places.run:
        shutil.rmtree(places.sockets, ignore_errors=True)


def _woken_by_signals() -> tuple[socket.socket, socket.socket]:
    """A pair: at its first end the numbers of signals arrive; SIGTERM is how the machine stops."""
    woken, wake = socket.socketpair()
    wake.setblocking(False)
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_arguments: None)
    signal.set_wakeup_fd(wake.fileno())
    return woken, wake


def _wait_for_the_last(places: Places, wake: socket.socket) -> None:
    fcntl.flock(opened(places.users_lock), fcntl.LOCK_EX)
    wake.send(bytes([_NOBODY_LEFT]))


def _serve(keeper: Keeper, listener: socket.socket, woken: socket.socket) -> None:
    """Answer users and look after the servers, until nobody is left."""
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        while True:
            for key, _events in selector.select():
                if key.fileobj is listener:
                    keeper.answer(listener.accept()[0])
                elif {_NOBODY_LEFT, signal.SIGTERM} & set(woken.recv(64)):
                    return
                else:
                    keeper.revive()


if __name__ == "__main__":
    main(*sys.argv[1:])
