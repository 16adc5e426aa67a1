"""New migrations are written in a checkout: here in a copy of it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chatai_core.migrations import scripts
from tests.core.migrations.test_change import CHECKOUT
from tests.servers.command import Command, Ended

LAST = len(scripts.chain())
NEXT = f"{LAST + 1:04}"
RUFF = Path(sys.executable).with_name("ruff")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the checkout."""
    for name in ("alembic", "chatai_core", "chatai_ops"):
        shutil.copytree(CHECKOUT / name, tmp_path / "copy" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("alembic.ini", "pyproject.toml"):
        shutil.copy(CHECKOUT / name, tmp_path / "copy" / name)
    return tmp_path / "copy"


@pytest.fixture
def copied(checkout: Path, chatai: Command) -> Callable[..., Ended]:
    """``chatai migrate`` of that copy."""
    environment = {**chatai.environment, "PYTHONPATH": str(checkout)}

    def run(*words: str, program: tuple[str, ...] = (sys.executable, "-m", "chatai_ops")) -> Ended:
        done = subprocess.run(
            [*program, "migrate", *words], env=environment, cwd=checkout, capture_output=True, text=True, check=False
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


def written(checkout: Path) -> Path:
    (path,) = (checkout / "alembic" / "versions").glob(f"{NEXT}_*.py")
    return path


def require_tidy(path: Path, checkout: Path) -> None:
    for words in (["check", path], ["format", "--check", path]):
        done = subprocess.run([RUFF, *words], cwd=checkout, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + path.read_text()


def test_an_empty_migration_follows_the_last_in_our_style(copied: Callable[..., Ended], checkout: Path) -> None:
    made = copied("revision", "-m", 'Say "hello" to Анна.', "--json")
    assert made.exit_code == 0, made.stderr
    path = written(checkout)
    assert made.json == {"revision": NEXT, "path": str(path), "message": 'Say "hello" to Анна.'}
    require_tidy(path, checkout)
    assert path.read_text().startswith(
        f'"""Say "hello" to Анна.\n\nRevision ID: {NEXT}\nRevises: {LAST:04}\nCreate Date: 2'
    )


def test_autogenerate_writes_what_the_models_have(
    copied: Callable[..., Ended], checkout: Path, database_url: str
) -> None:
    nothing = copied("revision", "-m", "nothing", "--autogenerate", "--json")
    assert (nothing.exit_code, nothing.json["revision"]) == (0, None)
    model = checkout / "chatai_core" / "models" / "user.py"
    column = "    nickname: Mapped[str | None]\n    face: Mapped[list[float] | None] = mapped_column(VECTOR(3))\n"
    changed = model.read_text().replace("    yandex_id:", f"{column}    yandex_id:")
    changed = changed.replace(
        "from sqlalchemy.orm import Mapped", "from pgvector.sqlalchemy import VECTOR\nfrom sqlalchemy.orm import Mapped"
    )
    model.write_text(changed)
    made = copied("revision", "-m", "names", "--autogenerate")
    assert made.exit_code == 0, made.stderr
    path = written(checkout)
    require_tidy(path, checkout)
    assert "VECTOR(3)" in path.read_text() and '"nickname"' in path.read_text()
    refused = copied("revision", "-m", "again", "--autogenerate")
    assert refused.exit_code == 78 and "chatai migrate upgrade" in refused.stderr
    assert copied("upgrade").exit_code == 0
    assert copied("check").exit_code == 0


def test_plain_alembic_writes_in_the_same_style(
    copied: Callable[..., Ended], checkout: Path, database_url: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "alembic.config", "revision", "-m", "By hand.", "--rev-id", NEXT],
        env={**os.environ, "PYTHONPATH": str(checkout), "DATABASE_URL": database_url},
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    require_tidy(written(checkout), checkout)


def test_an_installed_chatai_writes_none(checkout: Path, copied: Callable[..., Ended]) -> None:
    (checkout / "alembic").rename(checkout / "chatai_core" / "_alembic")
    refused = copied("revision", "-m", "x")
    assert refused.exit_code == 78 and "this is an installed ChatAI" in refused.stderr


@pytest.mark.parametrize("message", ["", " . ", "two\nlines", 'a """ b', "c:\\d", "x" * 101])
def test_a_message_is_one_line(message: str, chatai: Command) -> None:
    refused = chatai("migrate", "revision", "-m", message)
    assert refused.exit_code == 64 and "A migration needs a message" in refused.stderr
    assert len(list((CHECKOUT / "alembic" / "versions").glob("*.py"))) == LAST


def test_a_read_only_profile_writes_none(chatai: Command) -> None:
    assert chatai("migrate", "revision", "-m", "x", env={"CHATAI_READONLY": "true"}).exit_code == 77
    shown = chatai("migrate", "revision", "-m", "x", "--dry-run")
    assert shown.exit_code == 0 and f"Write the migration {NEXT}" in shown.stdout
