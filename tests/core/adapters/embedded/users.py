"""Processes that use the embedded pair, and what is seen of its own."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg2
import redis

from chatai_core.adapters import embedded

CHECKOUT = Path(__file__).parents[4]
IS_ROOT = os.geteuid() == 0
KEEPER = "chatai_core.adapters.embedded.keeper"
USER = """
import sys
from pathlib import Path
from chatai_core.adapters import embedded
from chatai_core.errors import ChataiError
try:
    lease = embedded.acquire(Path(sys.argv[1]), postgres="postgres" in sys.argv, valkey="valkey" in sys.argv)
except ChataiError as error:
    print(type(error).__name__, error.what, error.why, error.hint, sep="|", flush=True)
else:
    print("ready", lease.database_url, lease.redis_url, sep="|", flush=True)
    sys.stdin.readline()
    lease.release()
    print("released", flush=True)
"""


class User:
    """Another process that uses the embedded pair."""

    def __init__(self, home: Path, *servers: str, python: str = sys.executable, **popen: object) -> None:
        popen.setdefault("env", os.environ)
        self.process = subprocess.Popen(
            [python, "-c", USER, str(home), *(servers or ("postgres", "valkey"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            **popen,  # type: ignore[call-overload]
        )

    def said(self) -> list[str]:
        """The next line, in its parts."""
        return str(self.process.stdout.readline()).rstrip("\n").split("|")

    def refused(self) -> list[str]:
        """The error that it ended with, in its parts."""
        return str(self.process.communicate(timeout=30)[0]).rstrip("\n").split("|")

    def release(self) -> None:
        """Have it give its lease back and end."""
        self.process.communicate("\n", timeout=30)
        assert self.process.returncode == 0

    def kill(self) -> None:
        """End it without a chance to say good-bye."""
        self.process.kill()
        self.process.communicate()


def acquire(home: Path) -> embedded.Lease:
    return embedded.acquire(home, postgres=True, valkey=True)


def asked(url: str, sql: str) -> object:
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)
            row = cursor.fetchone() if cursor.description else None
            return row[0] if row else None
    finally:
        connection.close()


def ping(url: str) -> object:
    with redis.Redis.from_url(url) as client:
        return client.ping()


def postmaster(home: Path) -> int:
    return int((home / "postgres" / "data" / "postmaster.pid").read_text().split("\n")[0])


def processes_of(home: Path) -> list[psutil.Process]:
    """Every process that works below the home or names it: the keeper, the servers, their children."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            below = [process.cwd(), *process.cmdline()]
            if process.pid != os.getpid() and USER not in below and any(str(home) in text for text in below):
                found.append(process)
    return found


def one_of(home: Path, word: str) -> psutil.Process:
    """The keeper, the postmaster or Valkey of this home."""
    (found,) = (p for p in processes_of(home) if word in " ".join(p.cmdline()[:4]) and "io worker" not in p.cmdline())
    return found


def ends_within(seconds: float, condition: Callable[[], object]) -> bool:
    """Whether the condition becomes false in time."""
    deadline = time.monotonic() + seconds
    while condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
