import gzip
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard

from chatai_core.errors import BadData, Misused, NotFound
from chatai_core.logs import sources


def names(directory: Path) -> list[str]:
    found = []
    for source in sources.rotated(directory, "api.log"):
        found.append(Path(source.name).name)
        source.file.close()
    return found


def fill(directory: Path, *files: str) -> None:
    """Files that were all changed last on 2025-09-05."""
    moment = datetime(2025, 9, 5, 12, tzinfo=UTC).timestamp()
    for name in files:
        (directory / name).write_text(name)
        os.utime(directory / name, (moment, moment))


def read(path: Path) -> bytes:
    source = sources.opened(path)
    with source.file:
        return b"".join(iter(lambda: source.read(1000), b""))


def test_the_set_is_read_from_the_newest_file_to_the_oldest(tmp_path: Path) -> None:
    expected = ["api.log", "api.log.1", "api.log.2.gz", "api.log.10.gz", "api.log.2025-09-04.1", "api.log.2025-09-04"]
    expected += ["api.log-20250903.zst", "api.log.2024-12-31.gz"]
    fill(tmp_path, *sorted(expected), "api.log.2025-13-01", "api.log.bak", "xapi.log", "audit.log", ".api.log.swp")
    assert names(tmp_path) == expected


def test_a_copy_that_is_just_being_packed_is_not_read_beside_its_original(tmp_path: Path) -> None:
    fill(tmp_path, "api.log", "api.log.1", "api.log.1.gz", "api.log.2025-09-04", "api.log.2025-09-04.zst")
    assert names(tmp_path) == ["api.log", "api.log.1", "api.log.2025-09-04"]


def test_a_file_that_is_put_aside_meanwhile_is_read_once(tmp_path: Path) -> None:
    fill(tmp_path, "api.log", "api.log.2025-09-03")
    reading = sources.rotated(tmp_path, "api.log")
    with next(reading).file:
        (tmp_path / "api.log").rename(tmp_path / "api.log.2025-09-04")
        fill(tmp_path, "api.log")
        rest = list(reading)
    assert [Path(source.name).name for source in rest] == ["api.log.2025-09-03"]
    for source in rest:
        source.file.close()


def test_a_file_that_vanishes_meanwhile_is_passed_over(tmp_path: Path) -> None:
    fill(tmp_path, "api.log", "api.log.2025-09-03", "api.log.2025-09-02")
    reading = sources.rotated(tmp_path, "api.log")
    with next(reading).file:
        second = next(reading)
        second.file.close()
        (tmp_path / "api.log.2025-09-02").unlink()
        assert list(reading) == []


def test_a_directory_among_the_files_is_passed_over(tmp_path: Path) -> None:
    fill(tmp_path, "api.log")
    (tmp_path / "api.log.2025-09-04").mkdir()
    assert names(tmp_path) == ["api.log"]


def test_put_aside_files_are_read_without_a_living_one(tmp_path: Path) -> None:
    fill(tmp_path, "api.log.2025-09-04")
    assert names(tmp_path) == ["api.log.2025-09-04"]


@pytest.mark.parametrize("missing", [True, False])
def test_no_log_at_all_names_the_directory_and_the_next_command(tmp_path: Path, missing: bool) -> None:
    directory = tmp_path / "nowhere" if missing else tmp_path
    with pytest.raises(NotFound) as caught:
        names(directory)
    assert caught.value.what == f"There is no log in {directory}."
    assert caught.value.hint == "chatai config show --origin"


def test_a_named_file_must_be_there_and_be_a_file(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no file .*nothing\.log"):
        sources.opened(tmp_path / "nothing.log")
    with pytest.raises(Misused, match="is a directory"):
        sources.opened(tmp_path)


@pytest.mark.parametrize("name", ["api.log.1.gz", "misnamed.txt"])
def test_packed_files_are_known_by_what_is_in_them(tmp_path: Path, name: str) -> None:
    content = os.urandom(100) * 5000
    for packed in (gzip.compress(content), zstandard.compress(content), zstandard.compress(content) * 2, content):
        (tmp_path / name).write_bytes(packed)
        assert read(tmp_path / name) in (content, content * 2)


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
@pytest.mark.parametrize("cut", [20, -20, -1])
def test_a_packed_file_that_was_cut_off_is_damaged(tmp_path: Path, pack: type[bytes], cut: int) -> None:
    path = tmp_path / "api.log.1.gz"
    path.write_bytes(pack(os.urandom(300_000))[:cut])  # type: ignore[operator]
    with pytest.raises(BadData, match="is damaged"):
        read(path)


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_packed_file_with_a_wrong_byte_is_damaged(tmp_path: Path, pack: type[bytes]) -> None:
    path = tmp_path / "api.log.1.gz"
    packed = bytearray(pack(b"line\n" * 100_000))
    packed[len(packed) // 2] ^= 0xFF
    path.write_bytes(packed)
    with pytest.raises(BadData, match="is damaged"):
        read(path)
