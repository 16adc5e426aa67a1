"""``chatai serve`` as a process, as an operator runs it."""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from tests.servers.command import PROGRAM


class Serving:
    """A running ``chatai serve``; ``url`` is empty while it is not ready."""

    def __init__(self, environment: Mapping[str, str], *options: str, directory: Path) -> None:
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [PROGRAM, "serve", *options],
            env=dict(environment),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.url = ""
        self.said: list[str] = []
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """The process that was started."""
        return self.process.pid

    def ready(self, seconds: float = 60) -> "Serving":
        """Wait until it says that it answers."""
        while not self.url:
            assert self.process.poll() is None, self.stderr
            assert time.monotonic() - self.began < seconds, self.stderr
            time.sleep(0.01)
        return self

    @property
    def stderr(self) -> str:
        """What it has said."""
        return "".join(self.said)

    def get(self, path: str) -> httpx.Response:
        """GET a path, over a connection of its own."""
        return httpx.get(f"{self.url}{path}", trust_env=False, timeout=30)

    def children(self) -> list[psutil.Process]:
        """Its processes, and theirs, that live."""
        found = psutil.Process(self.pid).children(recursive=True)
        return [child for child in found if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]

    def workers(self) -> list[psutil.Process]:
        """The processes that answer beside it."""
        return [child for child in self.children() if "spawn_main" in " ".join(child.cmdline())]

    def ended(self, seconds: float = 30) -> int:
        """Wait for its end; the exit code."""
        code = self.process.wait(seconds)
        self._listener.join(seconds)
        return code

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end."""
        os.kill(self.pid, number)
        return self.ended()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if found := re.search(r"answers at (http://\S+) ", line):
                self.url = found[1]
        self.process.stderr.close()


@contextmanager
def serving(environment: Mapping[str, str], *options: str, directory: Path) -> Iterator[Serving]:
    """A ``chatai serve`` on a free port that ends with the block at the latest."""
    process = Serving(
        environment, *(options if "--port" in options else ("--port", "0", *options)), directory=directory
    )
    try:
        yield process
    finally:
        if process.process.poll() is None:
            process.stop()
