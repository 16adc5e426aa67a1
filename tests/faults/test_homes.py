"""CHATAI_HOME: of another user, of another PostgreSQL, too long, with odd letters, read-only, full, or not there."""

import contextlib
import os
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest

from tests.faults.conftest import IS_ROOT
from tests.faults.errors import refused
from tests.servers.command import Command
from tests.servers.serving import Serving

COMMANDS = ["serve --port 0", "tokens list --json", "db backup", "db backup --json"]
only_root = pytest.mark.skipif(not IS_ROOT, reason="only root can give files away")


def _give_away(path: Path) -> int:
    """Make everything below belong to a user that is neither root nor the servers' one."""
    for file in (path, *path.rglob("*")):
        os.chown(file, 4321, 4321, follow_symlinks=False)
    return 4321


@only_root
@pytest.mark.parametrize("line", COMMANDS)
def test_data_of_another_user_is_left_alone(line: str, chatai: Command, used: Path) -> None:
    uid = _give_away(used / "postgres" / "data")
    told = refused(chatai, line, 77)
    assert told.what == f"{used}/postgres/data belongs to {uid}."
    assert told.hint == "export CHATAI_HOME=/var/lib/chatai"


@only_root
def test_a_home_of_another_user_is_left_alone(chatai: Command, used: Path) -> None:
    uid = _give_away(used / "run")
    assert refused(chatai, "serve --port 0", 77).what == f"{used}/run belongs to {uid}."


def test_roots_home_is_left_alone_by_another_user(stranger: Command, chatai: Command, used: Path) -> None:
    own_logs = {"CHATAI_LOG_DIR": "/tmp/nowhere-to-be-made"}
    assert refused(stranger, "tokens list", 77, own_logs).what == f"{used}/run belongs to root."


@pytest.mark.parametrize("line", COMMANDS)
def test_data_of_another_postgresql_is_named_with_both_numbers(line: str, chatai: Command, used: Path) -> None:
    version = used / "postgres" / "data" / "PG_VERSION"
    ours = version.read_text().strip()
    version.write_text("16\n")
    told = refused(chatai, line, 78)
    assert told.what == (
        f"The data in {used}/postgres/data is of PostgreSQL 16; the embedded server is PostgreSQL {ours}."
    )
    subprocess.run(told.hint, shell=True, check=True)
    assert (used / "postgres" / "data.16").exists()


@pytest.mark.parametrize("name", ["a-long-name/" * 12, "дом с пробелами", 'it\'s "quoted", $HOME `pwd`; #% и\\т.д.'])
def test_any_path_will_do(name: str, serve: Callable[..., Serving], chatai: Command, used: Path) -> None:
    odd = used.parent / name / "home"
    odd.parent.mkdir(parents=True)
    used.rename(odd)
    env = {"CHATAI_HOME": str(odd), "CHATAI_LOG_DIR": str(odd / "logs")}
    backend = serve(**env).ready()
    assert backend.get("/health").status_code == 200
    backup = chatai("db", "backup", "--json", env=env)
    assert Path(backup.json["path"]).parent == odd / "backups"
    assert backend.stop() == 0


@pytest.mark.parametrize("line", COMMANDS)
def test_a_home_that_may_not_be_written_is_named(line: str, stranger: Command, home: Path) -> None:
    home.mkdir(mode=0o755)
    told = refused(stranger, line, 73, {})
    assert told.what.startswith(("The directory ", str(home)))
    assert told.why == "Permission denied."
    assert list(home.iterdir()) == []


def test_keys_that_cannot_be_made_keep_the_backend_from_starting(
    stranger: Command, home: Path, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    home.mkdir(mode=0o755)
    logs = home.parent / "logs"
    logs.mkdir()
    logs.chmod(0o777)
    told = refused(stranger, "serve --port 0", 73, {"CHATAI_LOG_DIR": str(logs)})
    assert told.what == f"The directory {home}/keys cannot be made."


@pytest.mark.parametrize("home", [Path("/dev/null/home")])
@pytest.mark.parametrize("line", COMMANDS)
def test_a_home_that_cannot_be_made_is_named(line: str, chatai: Command, home: Path) -> None:
    assert "/dev/null/home" in refused(chatai, line, 73).what


def test_without_home_root_has_a_place_of_its_own(chatai: Command) -> None:
    ended = chatai.without("HOME", "CHATAI_HOME", "XDG_DATA_HOME")("config", "show", "--json")
    (home,) = (setting["value"] for setting in ended.json if setting["name"] == "CHATAI_HOME")
    assert home == ("/var/lib/chatai" if IS_ROOT else str(Path("~").expanduser() / ".local/share/chatai"))


def test_a_user_without_home_and_name_is_told_to_choose_one(stranger: Command, home: Path) -> None:
    home.mkdir()
    home.chmod(0o777)  # its logs have a place
    nobody = stranger.without("HOME", "CHATAI_HOME", "XDG_DATA_HOME")
    for line in COMMANDS:
        told = refused(nobody, line, 78)
        assert told.what == "There is no home directory for ChatAI's files."
        assert told.hint == "export CHATAI_HOME=/tmp/chatai"


def test_a_user_without_name_is_told_why_there_can_be_no_database(stranger: Command, home: Path) -> None:
    home.mkdir()
    home.chmod(0o777)
    told = refused(stranger.without("HOME"), "tokens list", 78)
    assert "no entry in /etc/passwd" in told.why
    assert told.hint.startswith("useradd --uid ")
    assert not (home / "postgres" / "data").exists()


def test_a_user_without_name_can_use_a_database(
    stranger: Command, chatai: Command, home: Path, secured_database_url: str, secured_redis_url: str
) -> None:
    home.mkdir()
    home.chmod(0o777)
    env = {"DATABASE_URL": secured_database_url, "REDIS_URL": secured_redis_url}
    assert stranger.without("HOME")("tokens", "list", "--json", env=env).exit_code == 0
    backup = stranger.without("HOME")("db", "backup", "--json", env=env)
    assert stat.S_IMODE(Path(backup.json["path"]).stat().st_mode) == 0o600


@pytest.fixture
def small_disk(home: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    home.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=755", "tmpfs", home]
    if not IS_ROOT or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("needs root and the right to mount")
    yield home
    subprocess.run(["umount", home], check=True)


def test_a_full_disk_leaves_no_half_a_backup(chatai: Command, database_url: str, small_disk: Path) -> None:
    backups = {"CHATAI_BACKUP_DIR": str(small_disk / "backups"), "CHATAI_LOG_DIR": str(small_disk.parent / "logs")}
    assert chatai("db", "backup", env=backups).exit_code == 0
    complete = sorted(os.listdir(small_disk / "backups"))
    with psycopg2.connect(database_url) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE filler AS SELECT sha512(g::text::bytea) FROM generate_series(1, 30000) g")
    connection.close()

    told = refused(chatai, "db backup", 73, backups)

    assert told.why == "No space left on device."
    assert told.hint == f"df -h {small_disk}/backups"
    assert sorted(os.listdir(small_disk / "backups")) == complete


def test_a_full_disk_keeps_nobody_from_repairing_things(
    chatai: Command, database_url: str, redis_url: str, small_disk: Path
) -> None:
    (small_disk / "logs").mkdir()
    _fill(small_disk / "filler")
    added = chatai("users", "add", "ann@example.com", "--password-stdin", stdin="correct horse 7")
    assert added.exit_code == 0
    assert "No space left on device" in added.stderr  # in place of the line in audit.log
    listed = chatai("users", "list", "--json")
    assert (listed.exit_code, len(listed.json), listed.stderr) == (0, 1, "")


def _fill(file: Path) -> None:
    with file.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
        while True:
            stream.write(bytes(4096))
