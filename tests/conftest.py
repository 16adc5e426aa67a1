"""The fixtures of all tests: real servers, started once for all processes of a run, and a clean environment."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from chatai_core import settings
from chatai_core.adapters import embedded
from chatai_core.adapters.postgres import READ_ONLY, Database
from tests.servers import clusters
from tests.servers.command import Command
from tests.servers.databases import Databases, PostgreSQL, exclusive

_HOME = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """One home for the servers of this run; xdist's workers are told where it is."""
    os.environ["LC_ALL"] = "C.UTF-8"  # the sentences are compared in English
    # The commands inherit what is ignored: SIGHUP below nohup, SIGINT in the background of a script.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
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
        for major in clusters.DEBIAN:
            clusters.Cluster(major, _directory_of(config, major)).stop()
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


def _directory_of(config: pytest.Config, major: str) -> Path:
    return config.stash[_HOME] / f"postgresql-{major}"


@pytest.fixture(scope="session", params=clusters.MAJORS)
def server(request: pytest.FixtureRequest, pytestconfig: pytest.Config) -> PostgreSQL:
    """A PostgreSQL of every major version that this machine has, with databases that ChatAI has not made."""
    if request.param == clusters.EMBEDDED:
        databases: Databases = request.getfixturevalue("databases")
        return databases
    with exclusive(pytestconfig.stash[_HOME] / "clusters.lock"):
        cluster = clusters.Cluster(request.param, _directory_of(pytestconfig, request.param)).make()
        if not cluster.pid:
            cluster.start()
    return PostgreSQL(cluster.url)


@pytest.fixture
def any_url(server: PostgreSQL) -> Iterator[str]:
    """A fresh empty database of this test, on every major version."""
    with server.empty() as url:
        yield url


@pytest.fixture
def any_database(any_url: str) -> Iterator[Database]:
    """The same, to make in it what the test is about."""
    opened = Database(any_url)
    yield opened
    opened.close()


@pytest.fixture
def reports(any_url: str) -> Iterator[Database]:
    """The same as the reports see it: read-only, with short timeouts."""
    opened = Database(any_url, settings=READ_ONLY)
    yield opened
    opened.close()


@pytest.fixture(params=clusters.MAJORS)
def cluster(request: pytest.FixtureRequest) -> Iterator[clusters.Cluster]:
    """A server of this test alone, to be crashed and configured, on every major version; it is made, not started."""
    directory = _new_home("chatai-cluster-")
    made = clusters.Cluster(request.param, directory / "server").make()
    yield made
    made.stop()
    shutil.rmtree(directory, ignore_errors=True)


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
