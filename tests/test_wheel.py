"""The wheel, in an environment that has never seen the checkout."""

import os
import subprocess
import venv
import zipfile
from pathlib import Path

import pytest

import chatai_core
from tests.servers.databases import Databases

pytestmark = [pytest.mark.proof, pytest.mark.timeout(600)]

CHECKOUT = Path(chatai_core.__file__).parents[1]


def run(*words: str | Path, **env: str) -> str:
    """A program's output; what it said goes into the failure."""
    done = subprocess.run(
        list(map(str, words)), env={**os.environ, **env}, cwd="/", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``bin`` of an empty environment with the wheel and what it needs."""
    place = tmp_path_factory.mktemp("wheel")
    venv.create(place / "venv", with_pip=True)
    programs = place / "venv" / "bin"
    run(programs / "pip", "wheel", "-q", "--no-deps", "--wheel-dir", place, CHECKOUT)
    (wheel,) = place.glob("*.whl")
    run(programs / "pip", "install", "-q", wheel)
    return programs


def test_the_wheel_migrates_a_database(programs: Path, databases: Databases, home: Path) -> None:
    with databases.empty() as url:
        environment = {"DATABASE_URL": url, "CHATAI_HOME": str(home), "CHATAI_LOG_DIR": str(home / "logs")}
        run(programs / "chatai", "migrate", "upgrade", **environment)
        assert '"is_head": true' in run(programs / "chatai", "migrate", "current", "--json", **environment)
        run(programs / "chatai", "migrate", "check", **environment)


def test_nothing_of_the_checkout_is_used(programs: Path) -> None:
    where = run(programs / "python", "-c", "from chatai_core.migrations import scripts; print(scripts.directory())")
    assert Path(where.strip()).is_relative_to(programs.parent)


def test_the_library_alembic_is_not_shadowed(programs: Path) -> None:
    where = run(programs / "python", "-c", "import alembic.command; print(alembic.command.__file__)")
    assert where.strip().endswith("site-packages/alembic/command.py")


def test_every_data_file_is_in_the_wheel(programs: Path) -> None:
    (wheel,) = programs.parents[1].glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    missing = [
        str(path.relative_to(CHECKOUT))
        for package in ("chatai_core", "chatai_ops")
        for path in (CHECKOUT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and str(path.relative_to(CHECKOUT)) not in packed
    ]
    assert missing == []
    assert {"chatai_core/_alembic/env.py", "chatai_core/_alembic/versions/0001_foundation.py"} <= packed
