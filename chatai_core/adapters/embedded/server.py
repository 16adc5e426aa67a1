"""One server process: started by this keeper, or found running after an earlier keeper was killed."""

import fcntl
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chatai_core.adapters.embedded.hiring import locked, opened
from chatai_core.adapters.embedded.owner import Owner
from chatai_core.adapters.embedded.places import Places, quoted
from chatai_core.errors import Busy, CannotCreate, ChataiError, Unavailable
from chatai_core.i18n import _

_STEP = 0.005
_READY_WITHIN = 50.0  # seconds; less than a user waits
_LARGEST_LOG = 10_000_000  # bytes

Argument = str | Path


@dataclass(slots=True)
class Process:
    """A running server; ``child`` is None when an earlier keeper started it."""

    pid: int
    child: subprocess.Popen[bytes] | None = None
    started: float | None = None
    since: float = field(default_factory=time.monotonic)

    @property
    def is_alive(self) -> bool:
        """Whether it still runs, and not another process with its number."""
        if self.child is not None:
            return self.child.poll() is None
        from chatai_core.adapters import processes  # psutil, only after a keeper was killed

        return processes.alive(self.pid, self.started)

    def send(self, number: signal.Signals) -> None:
        """Send a signal; that it is gone is no error."""
        if self.is_alive:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                pass

    def ends(self, within: float) -> bool:
        """Wait for its end; whether it came within these seconds."""
        deadline = time.monotonic() + within
        while self.is_alive:
            if time.monotonic() > deadline:
                return False
            time.sleep(_STEP)
        return True


@dataclass(frozen=True, slots=True)
class Server:
    """How a server is started in its directory, and how it is known again."""

    name: str
    places: Places
    directory: Path
    pid_file: Path
    socket: Path
    is_ready: Callable[[int], bool]

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.places.log(self.name)

    def adopted(self) -> Process | None:
        """The server that a killed keeper left running: the process of the pid file, if it works in this directory."""
        try:
            pid = int(self.pid_file.read_text("ascii").split("\n")[0])
        except (OSError, ValueError):
            return None
        from chatai_core.adapters import processes  # psutil, only after a keeper was killed

        if processes.working_directory(pid) != self.directory.resolve():
            return None
        return Process(pid, started=processes.started(pid))

    def answers(self, process: Process) -> bool:
        """Whether it can be used; waits while it is starting. Raises Busy."""
        return self.socket.exists() and self._becomes_ready(process, time.monotonic() + _READY_WITHIN)

    def start(self, arguments: Sequence[Argument], owner: Owner, clear: Callable[[], None] = lambda: None) -> Process:
        """Start it and wait until it answers; ``clear`` is called when surely none runs.

        Raises Unavailable, CannotCreate, Busy.
        """
        deadline = time.monotonic() + _READY_WITHIN
        before = _size_of(self.log)
        lock = opened(self.places.server_lock(self.name))
        try:
            process = self._left_over(lock, deadline)
            if process is None:
                clear()
                process = self._spawned(arguments, owner, lock)
        finally:
            os.close(lock)
        if not self._becomes_ready(process, deadline):
            raise _failed(self.name, _said_since(self.log, before), self.log)
        return process

    def _becomes_ready(self, process: Process, deadline: float) -> bool:
        """Wait until it answers; false when it ended instead."""
        while not self.is_ready(process.pid):
            if not process.is_alive:
                return False
            if time.monotonic() > deadline:
                raise self._busy()
            time.sleep(_STEP)
        return True

    def _left_over(self, lock: int, deadline: float) -> Process | None:
        """A running server of an earlier keeper; None once no process of one is left, and the lock is ours."""
        while True:
            is_free = locked(lock, fcntl.LOCK_EX)
            if (process := self.adopted()) is not None or is_free:
                return process
            if time.monotonic() > deadline:
                raise self._busy()
            time.sleep(_STEP)

    def _spawned(self, arguments: Sequence[Argument], owner: Owner, lock: int) -> Process:
        log = opened(self.log)
        try:
            child = subprocess.Popen(
                arguments,
                cwd=self.directory,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                umask=0o077,
                pass_fds=(lock,),
                **owner.for_popen,
            )
        finally:
            os.close(log)
        return Process(child.pid, child)

    def _busy(self) -> Busy:
        return Busy(
            _("The embedded {server} is not ready yet.").format(server=self.name),
            why=_("It has not answered within {seconds:.0f} seconds.").format(seconds=_READY_WITHIN),
            hint=f"tail -f {quoted(self.log)}",
        )


def reply(address: Path, question: bytes) -> bytes:
    """The beginning of what a server answers at its socket; empty when it does not."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(address))
            connection.sendall(question)
            return connection.recv(64)
        except OSError:
            return b""


def run(arguments: Sequence[Argument], owner: Owner, log: Path, text: str = "") -> None:
    """Run a program to its end as the owner. Raises Unavailable, CannotCreate."""
    before = _size_of(log)
    descriptor = opened(log)
    try:
        done = subprocess.run(
            arguments,
            cwd="/",
            env=_environment(),
            input=text.encode(),
            stdout=descriptor,
            stderr=descriptor,
            umask=0o077,
            check=False,
            **owner.for_popen,
        )
    finally:
        os.close(descriptor)
    if done.returncode != 0:
        raise _failed(Path(arguments[0]).name, _said_since(log, before), log)


def _environment() -> dict[str, str]:
    """Nothing of the user's: PGDATA, PGPORT, TZ and the like would change what the servers do."""
    return {"PATH": os.defpath, "LC_ALL": "C"}


def _size_of(log: Path) -> int:
    """The size of a log; one that has grown large is set aside and begins anew."""
    if not log.exists():
        return 0
    size = log.stat().st_size
    if size > _LARGEST_LOG:
        log.replace(log.with_name(f"{log.name}.1"))
        return 0
    return size


def _said_since(log: Path, before: int) -> list[str]:
    """The lines that the log has got since it had this size."""
    with log.open("rb") as stream:
        stream.seek(before)
        return stream.read()[-100_000:].decode("utf-8", "replace").splitlines()


def _failed(program: str, lines: list[str], log: Path) -> ChataiError:
    """Why a program did not start."""
    why = _telling(lines)
    if any("No space left on device" in line or "Disk quota exceeded" in line for line in lines):
        what = _("The embedded {program} has no room on the disk.").format(program=program)
        return CannotCreate(what, why=why, hint=f"df -h {quoted(log.parent)}")
    return Unavailable(
        _("The embedded {program} does not start.").format(program=program), why=why, hint=f"tail {quoted(log)}"
    )


def _telling(lines: list[str]) -> str:
    """The line that says most: the last error, else the last line."""
    said = [line.strip() for line in lines if line.strip()]
    for word in ("PANIC:", "FATAL:", "error:", "ERROR:", "Fatal", "Bad file format", "FAILED"):
        for line in reversed(said):
            if word in line:
                return line
    return said[-1] if said else _("It said nothing.")
