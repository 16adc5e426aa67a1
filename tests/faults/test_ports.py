"""Ports that somebody else holds."""

import os
import socket
from collections.abc import Callable, Iterator

import pytest

from chatai_core.adapters.processes import free_port
from tests.faults.errors import refused
from tests.servers.command import Command
from tests.servers.serving import Serving


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which this process listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize(
    ("line", "setting"),
    [
        ("serve --port {port}", "chatai serve --port"),
        ("serve --port {port} --json", "chatai serve --port"),
        ("serve --port 0 --bots --manager-port {port}", "chatai serve --bots --manager-port"),
        ("bots manager --port {port}", ""),
    ],
)
@pytest.mark.usefixtures("database_url", "redis_url")
def test_who_holds_a_port_is_said(line: str, setting: str, chatai: Command, taken: int) -> None:
    told = refused(chatai, line.format(port=taken), 75)
    assert told.what == f"Port {taken} of 127.0.0.1 is taken."
    assert told.why.startswith(f"Process {os.getpid()} listens there: ")
    assert told.hint.startswith(setting or "ps ")


@pytest.mark.usefixtures("used")
def test_two_at_once_share_the_databases_of_a_home(serve: Callable[..., Serving], chatai: Command) -> None:
    first = serve("--bots", "--manager-port", str(free_port())).ready()
    port = first.url.rpartition(":")[2]
    told = refused(chatai, f"serve --port {port}", 75)
    assert told.why.startswith(f"Process {first.pid} listens there: ") and "chatai serve" in told.why
    second = serve().ready()
    assert first.stop() == 0
    assert second.get("/health").status_code == 200
    assert second.stop() == 0
