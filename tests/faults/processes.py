"""What runs for a home, whoever has started it."""

import contextlib
import os
import time
from pathlib import Path

import psutil


def living(home: Path) -> list[psutil.Process]:
    """The processes of an installation: commands, backend, manager, workers, keeper and servers."""
    found = (process for process in psutil.process_iter() if process.pid != os.getpid())
    return [process for process in found if _told(process, home)]


def called(home: Path, word: str) -> list[psutil.Process]:
    """Those of them with this word in their command line."""
    return [process for process in living(home) if word in _told(process, home)]


def kill(home: Path) -> None:
    """End all of them at once, as a power cut does."""
    for process in living(home):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def left(home: Path, seconds: float = 8) -> list[str]:
    """What still runs after so many seconds, in words; nothing as soon as nothing does."""
    deadline = time.monotonic() + seconds
    while (found := living(home)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return [_told(process, home) for process in found]


def _told(process: psutil.Process, home: Path) -> str:
    """The command line of a process that belongs to the home; empty for another one, and once it has ended."""
    with contextlib.suppress(psutil.Error, OSError):
        line = " ".join(process.cmdline())
        where = [line, process.cwd(), process.environ().get("CHATAI_HOME", "")]
        if process.status() != psutil.STATUS_ZOMBIE and any(str(home) in text for text in where):
            return line or process.name()
    return ""
