"""chatai init."""

import stat
from pathlib import Path

from dotenv import dotenv_values

from tests.ops.conftest import Process

KEYS = {"SECRET_KEY", "CHATAI_ENCRYPTION_KEY", "CHATAI_INTERNAL_KEY"}


def keys(file: Path) -> dict[str, str | None]:
    return dotenv_values(file)


def test_a_file_with_fresh_keys_that_only_its_owner_can_read(it: Process, tmp_path: Path) -> None:
    written = it("init", "--json").json
    assert written == {
        "path": str(tmp_path / ".env"),
        "fresh": ["SECRET_KEY", "CHATAI_ENCRYPTION_KEY", "CHATAI_INTERNAL_KEY"],
    }
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    made = keys(tmp_path / ".env")
    assert set(made) == KEYS
    assert len({value for value in made.values() if value and len(value) == 64}) == 3
    assert it("config", "check").exit_code == 0


def test_every_file_has_its_own_keys(it: Process, tmp_path: Path) -> None:
    it("init")
    (tmp_path / ".env").rename(tmp_path / "first")
    it("init")
    assert not set(keys(tmp_path / "first").values()) & set(keys(tmp_path / ".env").values())


def test_it_never_overwrites(it: Process, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LOG_LEVEL=INFO\n")
    for option in ([], ["--yes"], ["--dry-run"]):
        ended = it("init", *option)
        assert ended.exit_code == 73
        assert "exists already" in ended.stderr
    assert (tmp_path / ".env").read_text() == "LOG_LEVEL=INFO\n"


def test_a_link_to_nowhere_counts_as_a_file(it: Process, tmp_path: Path) -> None:
    (tmp_path / ".env").symlink_to(tmp_path / "nowhere")
    assert it("init").exit_code == 73
    assert not (tmp_path / "nowhere").exists()


def test_a_dry_run_writes_nothing_and_shows_no_key(it: Process, tmp_path: Path) -> None:
    ended = it("init", "--dry-run")
    assert ended.exit_code == 0
    assert not (tmp_path / ".env").exists()


def test_keys_that_development_made_are_taken_over(it: Process, tmp_path: Path, home: Path) -> None:
    """A new SECRET_KEY could not open what the old one has sealed in the database."""
    (home / "keys").mkdir()
    (home / "keys" / "secret_key").write_text("f" * 64 + "\n")
    assert it("init", "--json").json["fresh"] == ["CHATAI_INTERNAL_KEY"]
    made = keys(tmp_path / ".env")
    assert made["SECRET_KEY"] == "f" * 64
    assert "CHATAI_ENCRYPTION_KEY" not in made


def test_a_read_only_environment_refuses(it: Process, tmp_path: Path) -> None:
    assert it("init", env={"CHATAI_READONLY": "true"}).exit_code == 77
    assert not (tmp_path / ".env").exists()
