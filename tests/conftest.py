"""The fixtures of all tests: real servers, started once for all processes of a run, and a clean environment."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from chatai_core import settings
from chatai_core.adapters import embedded
from chatai_core.adapters.postgres import Database
from tests.servers.command import Command
from tests.servers.databases import Databases

_HOME = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """One home for the servers of this run; xdist's workers are told where it is."""
    os.environ["LC_ALL"] = "C.UTF-8"  # the sentences are compared in English
    # The commands that the tests start keep their bytecode, as an installation's do: else each compiles all of it.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    given = getattr(config, "workerinput", {}).get("chatai_home")
    config.stash[_HOME] = Path(given) if given else _new_home("chatai-tests-")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Called by xdist for each worker."""
    node.workerinput["chatai_home"] = str(node.config.stash[_HOME])


def pytest_unconfigure(config: pytest.Config) -> None:
    """By now the last process has given its servers back."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(config.stash[_HOME], ignore_errors=True)


def _new_home(prefix: str) -> Path:
    """A directory with a short path (of sockets) through which the servers' own user may pass."""
    home = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
    home.chmod(0o755)
    return home


@pytest.fixture(scope="session")
def servers(pytestconfig: pytest.Config) -> Iterator[embedded.Lease]:
    """PostgreSQL and Valkey, shared by all tests: take ``database_url`` and ``redis_url``."""
    lease = embedded.acquire(pytestconfig.stash[_HOME], postgres=True, valkey=True)
    yield lease
    lease.release()


@pytest.fixture(scope="session")
def databases(servers: embedded.Lease, pytestconfig: pytest.Config) -> Databases:
    """The databases of that PostgreSQL: more of them, with other names, other roles."""
    return Databases(servers.database_url, pytestconfig.stash[_HOME])


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """A fresh database of this test at the newest revision."""
    with databases.migrated() as url:
        yield url


@pytest.fixture
def empty_database_url(databases: Databases) -> Iterator[str]:
    """A fresh database of this test without any table."""
    with databases.empty() as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The database of ``database_url``, for questions in SQL."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def redis_url(servers: embedded.Lease, request: pytest.FixtureRequest) -> str:
    """An empty Valkey database, which no other worker of the run uses."""
    worker = getattr(request.config, "workerinput", {}).get("workerid", "gw0")
    url = servers.redis_url.replace("db=0", f"db={int(worker.removeprefix('gw')) % 15 + 1}")
    with redis.Redis.from_url(url) as server:
        server.flushdb()
    return url


@pytest.fixture
def home() -> Iterator[Path]:
    """An empty CHATAI_HOME."""
    directory = _new_home("chatai-home-")
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def nowhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory without a .env."""
    return tmp_path_factory.mktemp("nowhere")


@pytest.fixture(autouse=True)
def _scrubbed(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the developer's reaches a test: neither from the environment nor from the checkout's .env."""
    monkeypatch.chdir(nowhere)
    for name in settings.names():
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def chatai(home: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Command:
    """The installed command in a home of its own; it uses the databases that the test asked for besides."""
    environment = {**os.environ, "CHATAI_HOME": str(home), "CHATAI_LOG_DIR": str(home / "logs")}
    for fixture, name in (
        ("database_url", "DATABASE_URL"),
        ("empty_database_url", "DATABASE_URL"),
        ("redis_url", "REDIS_URL"),
    ):
        if fixture in request.fixturenames:
            environment[name] = request.getfixturevalue(fixture)
    return Command(environment, tmp_path)
