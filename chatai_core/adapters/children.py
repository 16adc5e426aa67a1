"""Processes that talk with the one that started them, in lines over stdin and stdout; both ends of it."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

ORPHANED = 70  # exit code of a child whose parent has died


class Child:
    """A process that this one has started; its stderr is ours."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.pid = process.pid
        self._process = process
        self._stdin = process.stdin
        self._stdout = process.stdout

    def send(self, line: bytes) -> None:
        """Tell it something; nothing happens when it is gone already."""
        if not self._stdin.is_closing():
            self._stdin.write(line)

    async def lines(self, *, silence: float) -> AsyncIterator[bytes]:
        """What it tells, until it closes its stdout. Raises TimeoutError after so many seconds without a line."""
        while line := await asyncio.wait_for(self._stdout.readline(), silence):
            yield line

    async def wait(self) -> int:
        """Its exit code; negative is the signal that ended it."""
        return await self._process.wait()

    def terminate(self) -> None:
        """Ask it to end (SIGTERM)."""
        self._signal(self._process.terminate)

    def kill(self) -> None:
        """End it (SIGKILL)."""
        self._signal(self._process.kill)

    def _signal(self, send: Callable[[], None]) -> None:
        try:
            send()
        except ProcessLookupError:
            pass  # it has ended by itself


async def start(argv: Sequence[str], env: Mapping[str, str]) -> Child:
    """Start a process with this environment, in a session of its own: Ctrl-C reaches only us. Raises OSError."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=dict(env),
        start_new_session=True,
    )
    return Child(process)


class Parent:
    """The process that started this one. When it dies, however it dies, this one ends at once."""

    def __init__(self) -> None:
        """Takes stdout for itself: what else is printed goes to stderr."""
        self._to_parent = os.dup(sys.stdout.fileno())
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def tell(self, line: bytes) -> None:
        """Tell it something."""
        try:
            os.write(self._to_parent, line)
        except BrokenPipeError:
            pass  # the end of stdin says it too

    def listen(self, heard: Callable[[bytes], None]) -> None:
        """Call ``heard`` in the running event loop with every line; a thread, because a busy loop hears no end."""
        loop = asyncio.get_running_loop()

        def read() -> None:
            rest = b""
            while more := os.read(stdin, 65536):  # a buffered stream would hold a lock at our end
                *lines, rest = (rest + more).split(b"\n")
                for line in lines:
                    loop.call_soon_threadsafe(heard, line)
            os._exit(ORPHANED)

        stdin = sys.stdin.fileno()
        threading.Thread(target=read, name="parent", daemon=True).start()


def end_with_stdin() -> None:
    """Send this process SIGTERM when its standard input ends: whoever started it ``tied`` is gone."""

    def watch() -> None:
        while os.read(stdin, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    stdin = sys.stdin.fileno()
    threading.Thread(target=watch, name="starter", daemon=True).start()
