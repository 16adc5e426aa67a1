"""The toy commands, run as real processes in pipes and on terminals."""

import fcntl
import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers.command import PROGRAM, Ended

TOYS = [sys.executable, str(Path(__file__).with_name("toys.py"))]


@dataclass(frozen=True, slots=True)
class Process:
    """``toys("list", "--json")``: a program with its environment, run to its end."""

    program: Sequence[str]
    environment: dict[str, str]
    directory: Path

    def __call__(self, *arguments: str, env: Mapping[str, str] | None = None, stdin: str | bytes = "") -> Ended:
        """In pipes."""
        done = subprocess.run(
            [*self.program, *arguments],
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            env={**self.environment, **(env or {})},
            cwd=self.directory,
            timeout=60,
            check=False,
        )
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())

    def shell(self, line: str, env: Mapping[str, str] | None = None) -> Ended:
        """In a line of bash, in which ``$IT`` is the program."""
        done = subprocess.run(
            ["/bin/bash", "-o", "pipefail", "-c", line],
            capture_output=True,
            env={**self.environment, "IT": " ".join(self.program), **(env or {})},
            cwd=self.directory,
            timeout=60,
            check=False,
        )
        return Ended(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode())

    def on_terminal(self, *arguments: str, typed: Sequence[str] = (), env: Mapping[str, str] | None = None) -> Ended:
        """On a terminal of 80 columns; each of ``typed`` is typed when the program waits for it."""
        environment = {"TERM": "xterm-256color", "COLUMNS": "80", **self.environment, **(env or {})}
        main, side = pty.openpty()
        process = subprocess.Popen(
            [*self.program, *arguments],
            stdin=side,
            stdout=side,
            stderr=side,
            env=environment,
            cwd=self.directory,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so that ^C is a signal
        )
        os.close(side)
        seen = _conversation(main, process, list(typed))
        os.close(main)
        return Ended(process.wait(timeout=60), seen.decode().replace("\r\n", "\n"), "")


def _conversation(main: int, process: subprocess.Popen[bytes], typed: list[str]) -> bytes:
    """What the terminal showed; a line is typed whenever a prompt stands there."""
    seen, fresh, end = b"", b"", time.monotonic() + 60
    while time.monotonic() < end:
        if select.select([main], [], [], 0.1)[0]:
            try:
                part = os.read(main, 65536)
            except OSError:  # Linux: the other side is closed
                return seen
            if not part:
                return seen
            seen, fresh = seen + part, fresh + part
        elif typed and fresh.rstrip(b" ").endswith((b":", b"]")):
            os.write(main, typed.pop(0).encode())
            fresh = b""
    process.kill()
    raise AssertionError(f"The program did not end: {seen!r}")


def without_colors(text: str) -> str:
    """What a person reads of it."""
    return re.sub(r"\x1b\[[\d;]*[A-Za-z]", "", text)


@pytest.fixture(scope="session")
def bytecode(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where compiled modules are kept during the run: hundreds of processes begin much sooner."""
    return tmp_path_factory.mktemp("bytecode")


@pytest.fixture
def environment(home: Path, bytecode: Path) -> dict[str, str]:
    """A clean environment with a home of its own."""
    mine = {"PATH": os.environ["PATH"], "PYTHONPYCACHEPREFIX": str(bytecode)}
    return mine | {"LC_ALL": "C.UTF-8", "TZ": "UTC", "CHATAI_HOME": str(home), "CHATAI_LOG_DIR": f"{home}/logs"}


@pytest.fixture
def toys(environment: dict[str, str], tmp_path: Path) -> Process:
    """The toy commands."""
    return Process(TOYS, environment, tmp_path)


@pytest.fixture
def it(environment: dict[str, str], tmp_path: Path) -> Process:
    """The installed chatai."""
    return Process([str(PROGRAM)], environment, tmp_path)
