"""A command that goes on beside the test, as in the foreground of a terminal: signals reach it and its children."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from tests.servers.command import PROGRAM, Command, Ended


class Running:
    """A command, in a process group of its own; stdin stays open."""

    def __init__(self, chatai: Command, words: list[str], env: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [*chatai.before, PROGRAM, *words],
            env={**chatai.environment, **env},
            cwd=chatai.directory,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The command's process."""
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal as a terminal does: to the command and its children."""
        os.killpg(self.pid, number)

    def ended(self, within: float = 10) -> Ended:
        """Wait for its end."""
        stdout, stderr = self._process.communicate(timeout=within)
        return Ended(self._process.returncode, stdout.decode(), stderr.decode())


@contextmanager
def running(chatai: Command, line: str, env: Mapping[str, str] | None = None) -> Iterator[Running]:
    """A command that is killed at the end of the block at the latest."""
    command = Running(chatai, line.split(), env or {})
    try:
        yield command
    finally:
        if command.runs:
            command.send(signal.SIGKILL)
            command.ended()


def until(happens: Callable[[], object], command: Running, seconds: float = 20) -> None:
    """Wait for something while the command runs."""
    deadline = time.monotonic() + seconds
    while not happens():
        assert command.runs, command.ended()
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)
