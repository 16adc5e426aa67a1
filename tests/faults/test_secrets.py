"""Passwords, keys and tokens stand in no argument, no output, no log and no file, while everything is in use."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from chatai_core.adapters.processes import free_port
from tests.faults.running import running
from tests.servers import bots
from tests.servers.command import Command
from tests.servers.secured import PASSWORD

BOT_TOKEN = bots.token(123456789)
ANOTHER_KEY = "sk-another-0123456789abcdefghijklmnop"
LOGIN_PASSWORD = "correct horse 7"
SECRETS = [
    PASSWORD, BOT_TOKEN, bots.AI_KEY, bots.SECRET_KEY, bots.KEY.reveal(), ANOTHER_KEY, LOGIN_PASSWORD,
]  # fmt: skip


@contextmanager
def _arguments() -> Iterator[Callable[[], str]]:
    """What every process of this machine was called with while the block ran."""
    seen: set[str] = set()
    ending = threading.Event()

    def watch() -> None:
        while not ending.wait(0.01):
            for pid in psutil.pids():
                try:
                    seen.add(Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace"))
                except OSError:
                    pass  # it has ended

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield lambda: "\n".join(seen)
    finally:
        ending.set()
        watcher.join()


def test_no_secret_is_shown_anywhere(
    secured_database_url: str, secured_redis_url: str, home: Path, tmp_path: Path
) -> None:
    home.mkdir()
    with bots.installed(secured_database_url, secured_redis_url, home) as world, _arguments() as arguments:
        world.bot(123456789)
        chatai = Command({**world.environment, "OPENAI_API_KEY": bots.AI_KEY, "LOG_LEVEL": "DEBUG"}, tmp_path)
        with running(chatai, f"serve --port 0 --workers 2 --bots --manager-port {free_port()}") as backend:
            world.pair.telegram.say(BOT_TOKEN, 77, "hello")
            [answer] = world.pair.telegram.sent(BOT_TOKEN, 77, timeout=20)
            said = [answer["text"], *_said(chatai)]
            for _again in range(5):  # a loaded machine may not show so short a program the first time
                if "pg_dump" not in arguments():
                    chatai("db", "backup")
            backend.send(signal.SIGTERM)
            ended = backend.ended()
    kept = [path.read_text(errors="replace") for path in home.rglob("*") if path.is_file() and path.suffix != ".zst"]
    assert "pg_dump" in arguments() and any("bot manager listens" in text for text in kept)
    for secret in SECRETS:
        assert secret not in arguments()
        assert secret not in "\n".join([*said, ended.stdout, ended.stderr])
        assert secret not in "\n".join(kept)


def _said(chatai: Command) -> Iterator[str]:
    """The words of commands that have to do with secrets, also of such that fail."""
    wrong = {"DATABASE_URL": chatai.environment["DATABASE_URL"].replace(PASSWORD, f"{PASSWORD}{PASSWORD}")}
    for line, stdin, env in (
        ("users add bob@example.com --password-stdin", LOGIN_PASSWORD, {}),
        ("users password bob@example.com --password-stdin", f"{LOGIN_PASSWORD}{LOGIN_PASSWORD}", {}),
        ("tokens add another --token-stdin", ANOTHER_KEY, {}),
        ("tokens add again --token-stdin", ANOTHER_KEY, {}),
        ("tokens list --json", "", {}),
        ("bots list --json", "", {}),
        ("bots show 1 --json", "", {}),
        ("config show --origin", "", {}),
        ("config check", "", {}),
        ("db backup", "", {}),
        ("db backup", "", wrong),
        ("tokens list", "", wrong),
        ("migrate current", "", {}),
        ("logs errors", "", {}),
    ):
        ended = chatai(*line.split(), env=env, stdin=stdin)
        yield f"{line}\n{ended.stdout}{ended.stderr}"
