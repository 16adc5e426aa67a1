"""Files that are written whole or not at all; secrets that are made once."""

import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chatai_core.adapters import files
from chatai_core.errors import CannotCreate


def test_a_secret_is_made_once_whoever_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "secret_key"
    with ThreadPoolExecutor(8) as threads:
        made = set(threads.map(lambda _: files.secret(path), range(32)))
    assert len(made) == 1
    assert len(made.pop()) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert os.listdir(path.parent) == ["secret_key"]


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "f"
    assert files.write(path, "one")
    assert files.write(path, "two")
    assert path.read_text() == "two"
    assert not files.write(path, "three", replace=False)
    assert path.read_text() == "two"
    assert os.listdir(tmp_path) == ["f"]


def test_a_directory_below_a_file_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("")
    with pytest.raises(CannotCreate, match="cannot be made"):
        files.directory(tmp_path / "f" / "d")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("make", [files.directory, files.secret, files.kept])
def test_behind_a_closed_door_nothing_is_taken_for_missing(make: Callable[[Path], object], tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    os.seteuid(65534)
    try:
        with pytest.raises(CannotCreate, match="cannot be") as caught:
            make(closed / "home")
    finally:
        os.seteuid(0)
    assert caught.value.why == "Permission denied."


def test_writing_into_a_missing_directory_is_said(tmp_path: Path) -> None:
    with pytest.raises(CannotCreate, match="cannot be written"):
        files.write(tmp_path / "missing" / "f", "x")


def test_a_new_directory_has_its_mode_whatever_the_umask(tmp_path: Path) -> None:
    """As root the embedded servers run as another user: a umask of 077 must not shut them out of their home."""
    before = os.umask(0o077)
    try:
        files.directory(tmp_path / "a" / "b", mode=0o755)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o755
