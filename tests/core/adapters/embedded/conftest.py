"""Homes for the embedded pair."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.core.adapters.embedded.users import (
    CHECKOUT,
    IS_ROOT,
    acquire,
    processes_of,
)


def _directory() -> Path:
    """A new directory that a system user can reach, which pytest's are not; in memory when there is room: quicker."""
    memory = Path("/dev/shm")
    is_large = memory.is_dir() and shutil.disk_usage(memory).free > 1_000_000_000
    directory = Path(tempfile.mkdtemp(prefix="chatai-test-", dir=memory if is_large else None))
    directory.chmod(0o755)
    return directory


def _end(home: Path) -> None:
    """What a failed test has left running."""
    for process in processes_of(home):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


@pytest.fixture
def new_home() -> Iterator[Callable[[str], Path]]:
    """Makes homes."""
    base = _directory()

    def new(name: str = "home") -> Path:
        (base / name).mkdir(parents=True)
        return base / name

    yield new
    _end(base)
    shutil.rmtree(base)


@pytest.fixture
def home(new_home: Callable[[str], Path]) -> Path:
    return new_home("home")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Path]:
    """A home that has been used before: quicker than an empty one."""
    base = _directory()
    acquire(base / "home").release()
    yield base / "home"
    shutil.rmtree(base)


@pytest.fixture
def used(cluster: Path) -> Iterator[Path]:
    """That home, for tests that leave its files whole."""
    yield cluster
    _end(cluster)


@pytest.fixture
def copied(home: Path, cluster: Path) -> Path:
    """A copy of that home, for tests that spoil it."""
    subprocess.run(["cp", "-a", f"{cluster}/.", home], check=True)
    return home


@pytest.fixture
def as_nobody(home: Path) -> dict[str, object]:
    """How to start a User as an ordinary user, whose home is ``home``."""
    python = _python_for_others() if IS_ROOT else None
    if python is None:
        pytest.skip("needs root, and a Python that others can run")
    shutil.chown(home, "nobody")
    path = os.pathsep.join([str(CHECKOUT), *(entry for entry in sys.path if "site-packages" in entry)])
    return {"python": python, "user": "nobody", "env": {"PYTHONPATH": path}, "cwd": "/"}


def _python_for_others() -> str | None:
    """An interpreter of this version that every user can run."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/bin/{name}", f"/usr/local/bin/{name}"):
        probe = [candidate, "-c", "pass"]
        with contextlib.suppress(OSError):
            if subprocess.run(probe, user="nobody", capture_output=True, cwd="/").returncode == 0:
                return candidate
    return None
