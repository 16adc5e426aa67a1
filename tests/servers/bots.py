"""A whole installation around the bots: a real database, both simulators, a manager with its worker processes."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil

from chatai_core import simulators
from chatai_core.accounts import users
from chatai_core.adapters.crypto import Cipher
from chatai_core.adapters.orm import Orm
from chatai_core.adapters.postgres import Database
from chatai_core.bots import client, instances
from chatai_core.bots.client import FleetStatus
from chatai_core.bots.instances import Bot
from chatai_core.settings import Database as DatabaseSettings
from chatai_core.settings import Secret
from chatai_core.simulators.pair import Pair
from chatai_core.tokens import keys
from tests.servers.command import PROGRAM

KEY = Secret("an internal key for tests")
SECRET_KEY = "a secret key for tests"
AI_KEY = "sk-tests-abcdefghijklmnopqrstuvwx1234"
Found = TypeVar("Found")


def token(number: int) -> str:
    """A token as Telegram makes them."""
    return f"{number}:AAtests-{number:0>27}"


def until(find: Callable[[], Found | None], seconds: float = 15, what: str = "it") -> Found:
    """What is found, as soon as it is."""
    ends = time.monotonic() + seconds
    while not (found := find()):
        assert time.monotonic() < ends, f"{what} did not happen within {seconds} s"
        time.sleep(0.05)
    return found


@dataclass
class Manager:
    """A running manager process and its address."""

    process: subprocess.Popen[bytes]
    url: str

    def status(self) -> FleetStatus:
        return client.status(self.url)

    def state(self, id: int) -> str:
        return client.show(self.url, id).state

    def start(self, id: int) -> client.BotStatus:
        return client.start(self.url, KEY, id)

    def stop(self, id: int) -> client.BotStatus:
        return client.stop(self.url, KEY, id)

    def workers(self) -> list[int]:
        """The pids of its worker processes, as the system knows them."""
        children = psutil.Process(self.process.pid).children()
        return [child.pid for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


@dataclass
class World:
    """What the tests act on."""

    pair: Pair
    orm: Orm
    database: Database
    cipher: Cipher
    home: Path
    environment: dict[str, str]
    owner: int
    at_the_end: ExitStack

    def bot(self, number: int = 1001, *, known: bool = True, is_active: bool = True, **more: Any) -> Bot:
        """A bot, and Telegram knows it too unless told."""
        if known:
            self.pair.telegram.add_bot(token(number), username=f"tests{number}_bot")
        return instances.add(
            self.orm, self.cipher, owner_id=self.owner, token=token(number), is_active=is_active, **more
        )

    def manager(self, *, workers: int = 2, **environment: str) -> Manager:
        """A manager that runs until the test ends."""
        errors = self.home / "manager.stderr"
        with errors.open("w") as stderr:
            process = subprocess.Popen(
                [PROGRAM, "bots", "manager", "--port", "0", "--workers", str(workers)],
                env={**self.environment, **environment},
                stderr=stderr,
            )
        self.at_the_end.callback(_end, process)
        until(lambda: "listens on" in errors.read_text() or process.poll() is not None, 30, "the start of the manager")
        found = re.search(r"listens on [\d.]+:(\d+)", errors.read_text())
        assert found, errors.read_text()
        self.environment["CHATAI_MANAGER_URL"] = url = f"http://127.0.0.1:{found[1]}"
        return Manager(process, url)

    def messages(self) -> list[tuple[str, str, str]]:
        """Chat, sender, text of everything that was said, in order."""
        return self.database.rows(
            lambda chat, sender, text: (chat, sender, text),
            "SELECT telegram_chat_id AS chat, sender, text FROM dialog_messages"
            " JOIN dialogs ON dialogs.id = dialog_id ORDER BY dialog_messages.id",
        )

    @property
    def log(self) -> str:
        """What the processes wrote to api.log."""
        return (self.home / "logs" / "api.log").read_text("utf-8")


@contextmanager
def installed(database_url: str, redis_url: str, home: Path) -> Iterator[World]:
    """One user with an AI key; no bot yet, and no manager."""
    with ExitStack() as stack:
        pair = stack.enter_context(simulators.running())
        orm = Orm(database_url, DatabaseSettings())
        stack.callback(orm.close)
        cipher = Cipher(SECRET_KEY)
        owner = users.add(orm, "ann@example.com", "a long passw0rd for tests", admin=True)
        pair.openai.add_key(AI_KEY)
        keys.add(orm, cipher, "first", AI_KEY)
        environment = {
            **os.environ,
            "CHATAI_HOME": str(home),
            "CHATAI_LOG_DIR": str(home / "logs"),
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "SECRET_KEY": SECRET_KEY,
            "CHATAI_INTERNAL_KEY": KEY.reveal(),
            "TELEGRAM_API_URL": pair.telegram_url,
            "OPENAI_BASE_URL": pair.openai_url,
        }
        database = Database(orm.url, borrow=orm.borrowed)
        yield World(pair, orm, database, cipher, home, environment, owner.id, stack)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
