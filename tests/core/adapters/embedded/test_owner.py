"""Root and ordinary users, each with their own servers."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from chatai_core.errors import CannotCreate, Misconfigured, NotPermitted
from tests.core.adapters.embedded.users import IS_ROOT, User, acquire, processes_of


@pytest.mark.skipif(not IS_ROOT, reason="only root can give files away")
def test_data_of_another_user_is_refused_with_his_name(copied: Path) -> None:
    subprocess.run(["chown", "-R", "nobody", copied / "postgres"], check=True)
    with pytest.raises(NotPermitted, match="belongs to nobody"):
        acquire(copied)


@pytest.mark.skipif(not IS_ROOT, reason="as an ordinary user the servers run as that user")
def test_a_home_that_the_system_user_cannot_reach_is_refused(new_home: Callable[[str], Path]) -> None:
    parent = new_home("private")
    parent.chmod(0o700)
    with pytest.raises(Misconfigured, match=r"embedded_postgres.*private") as caught:
        acquire(parent / "home")
    assert caught.value.hint == "export CHATAI_HOME=/var/lib/chatai"
    assert parent.stat().st_mode & 0o777 == 0o700


def test_an_ordinary_user_runs_the_servers_as_himself(home: Path, as_nobody: dict[str, object]) -> None:
    user = User(home, **as_nobody)  # type: ignore[arg-type]
    assert user.said()[0] == "ready"
    assert {process.username() for process in processes_of(home)} == {"nobody"}
    user.release()
    assert processes_of(home) == []


def test_an_ordinary_user_is_refused_a_home_that_he_cannot_write(home: Path, as_nobody: dict[str, object]) -> None:
    shutil.chown(home, "root")
    assert User(home, **as_nobody).refused()[0] == CannotCreate.__name__  # type: ignore[arg-type]


def test_an_ordinary_user_is_refused_the_home_of_root(used: Path, as_nobody: dict[str, object]) -> None:
    kind, what, _why, _hint = User(used, **as_nobody).refused()  # type: ignore[arg-type]
    assert (kind, "root" in what) == (NotPermitted.__name__, True)
