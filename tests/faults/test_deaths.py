"""kill -9: the rest ends by itself, nothing that was written is lost, and the next start works."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from chatai_core.adapters.postgres import Database
from chatai_core.adapters.processes import free_port
from tests.faults import processes
from tests.faults.running import running, until
from tests.servers import bots
from tests.servers.command import Command
from tests.servers.serving import Serving

PASSWORD = "correct horse 7"


def _add(chatai: Command, email: str) -> None:
    added = chatai("users", "add", email, "--password-stdin", stdin=PASSWORD)
    assert added.exit_code == 0, added


def _emails(chatai: Command) -> list[str]:
    return [user["email"] for user in chatai("users", "list", "--json").json]


def test_of_the_backend(serve: Callable[..., Serving], chatai: Command, used: Path) -> None:
    options = ["--workers", "2", "--bots", "--manager-port", str(free_port())]
    backend = serve(*options).ready()
    _add(chatai, "ann@example.com")
    os.kill(backend.pid, signal.SIGKILL)
    assert backend.ended() == -signal.SIGKILL
    assert processes.left(used) == []
    again = serve(*options).ready()
    assert again.get("/health").status_code == 200
    assert _emails(chatai) == ["ann@example.com"]
    assert again.stop() == 0


def test_of_everything_at_once_as_in_a_power_cut(serve: Callable[..., Serving], chatai: Command, used: Path) -> None:
    backend = serve().ready()
    _add(chatai, "ann@example.com")
    processes.kill(used)
    backend.ended()
    assert processes.left(used) == []
    assert serve().ready().get("/health").status_code == 200
    assert _emails(chatai) == ["ann@example.com"]


def test_of_the_keeper_of_the_databases(serve: Callable[..., Serving], chatai: Command, used: Path) -> None:
    backend = serve().ready()
    (keeper,) = processes.called(used, "chatai_core.adapters.embedded.keeper")
    keeper.kill()
    _add(chatai, "ann@example.com")
    assert backend.get("/health").status_code == 200
    assert backend.stop() == 0
    assert processes.left(used) == []


@pytest.mark.parametrize("moment", ["postgres/new-*", "run/valkey.log"])
def test_while_an_empty_home_is_filled(moment: str, chatai: Command, home: Path) -> None:
    with running(chatai, "serve --port 0") as backend:
        until(lambda: any(home.glob(moment)), backend)
        processes.kill(home)
        backend.ended()
    assert chatai("migrate", "upgrade").exit_code == 0
    assert not list(home.glob("postgres/new-*"))


def test_while_the_database_is_migrated(chatai: Command, empty_database_url: str) -> None:
    database = Database(empty_database_url)
    database.execute(
        "CREATE FUNCTION dawdle() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1); END'"
    )
    database.execute("CREATE EVENT TRIGGER slow ON ddl_command_end EXECUTE FUNCTION dawdle()")
    with running(chatai, "migrate upgrade") as command:
        until(lambda: database.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"), command)
        command.send(signal.SIGKILL)
        command.ended()
    database.execute("DROP EVENT TRIGGER slow")
    database.close()
    assert chatai("migrate", "current", "--json").json["revision"] is None
    assert chatai("migrate", "upgrade", "--wait", "10").exit_code == 0


def test_of_the_backend_ends_the_bots_too(database_url: str, redis_url: str, home: Path, tmp_path: Path) -> None:
    """Two pollers of one bot would take each other's messages."""
    home.mkdir()
    with bots.installed(database_url, redis_url, home) as world:
        world.bot()
        chatai = Command(world.environment, tmp_path)
        with running(chatai, f"serve --port 0 --bots --manager-port {free_port()}") as backend:
            until(lambda: processes.called(home, "chatai_core.bot_worker"), backend)
            os.kill(backend.pid, signal.SIGKILL)
            backend.ended()
        assert processes.left(home) == []
