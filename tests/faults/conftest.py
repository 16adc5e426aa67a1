"""Homes in which nothing may be left running, servers with a password, and another user of this machine."""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from chatai_core import migrations
from tests.faults import processes
from tests.servers import secured
from tests.servers.command import Command
from tests.servers.databases import Databases
from tests.servers.serving import Serving, serving

IS_ROOT = os.geteuid() == 0
_STARTS_ITSELF = "import subprocess, sys; subprocess.run([sys.executable, '-c', ''], check=True)"


def _directory() -> Path:
    """A short path that the servers' own user reaches; in memory when there is room: quicker."""
    memory = Path("/dev/shm")
    is_large = memory.is_dir() and shutil.disk_usage(memory).free > 1_000_000_000
    directory = Path(tempfile.mkdtemp(prefix="chatai-fault-", dir=memory if is_large else "/tmp"))
    directory.chmod(0o755)
    return directory


@pytest.fixture
def home() -> Iterator[Path]:
    """An empty CHATAI_HOME, for which nothing may run any more when the test is over."""
    directory = _directory()
    yield directory / "home"
    left = processes.left(directory)
    processes.kill(directory)
    shutil.rmtree(directory, ignore_errors=True)
    assert left == []


@pytest.fixture(scope="session")
def _used(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A home with the embedded databases at the newest revision."""
    directory = _directory()
    environment = {**os.environ, "CHATAI_HOME": str(directory / "home"), "CHATAI_LOG_DIR": str(directory / "logs")}
    assert Command(environment, directory)("migrate", "upgrade").exit_code == 0
    yield directory / "home"
    shutil.rmtree(directory)


@pytest.fixture
def used(home: Path, _used: Path) -> Path:
    """The test's home, used before: an empty one takes longer."""
    subprocess.run(["cp", "-a", _used, home], check=True)
    return home


@pytest.fixture
def serve(chatai: Command) -> Iterator[Callable[..., Serving]]:
    """``serve("--bots", NAME="value")``: a backend on a free port that runs until the test ends."""
    with ExitStack() as stack:

        def start(*options: str, **more: str) -> Serving:
            environment = {**chatai.environment, **more}
            return stack.enter_context(serving(environment, *options, directory=chatai.directory))

        yield start


@pytest.fixture(scope="session")
def secured_database_url() -> Iterator[str]:
    """A migrated database of a PostgreSQL that wants a password; the URL holds it."""
    with secured.postgres() as url:
        migrations.upgrade(url)
        yield url


@pytest.fixture
def secured_redis_url() -> Iterator[str]:
    """A Valkey that wants a password; the URL holds it."""
    with secured.valkey() as url:
        yield url


@pytest.fixture
def stranger(chatai: Command) -> Command:
    """The command as a user whom /etc/passwd does not know, in a directory that is not theirs."""
    if not IS_ROOT or shutil.which("setpriv") is None:
        pytest.skip("only root can become another user, with setpriv")
    uid = str(next(number for number in range(54321, 60000) if not _is_known(number)))
    plain = ("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups")
    # Python may lie in root's home: to read it, and no more, is the one right that root keeps.
    reading = (*plain, "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
    for before in (plain, reading):
        if (
            subprocess.run([*before, sys.executable, "-c", _STARTS_ITSELF], capture_output=True, cwd="/").returncode
            == 0
        ):
            return Command(chatai.environment, Path("/"), before)
    pytest.skip("no other user can run this Python")


def _is_known(uid: int) -> bool:
    try:
        return bool(pwd.getpwuid(uid))
    except KeyError:
        return False


@pytest.fixture(scope="session")
def shared_database(databases: Databases) -> Iterator[str]:
    """A migrated database that its tests leave as it is."""
    with databases.migrated() as url:
        yield url
