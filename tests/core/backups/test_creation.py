"""Backups: whole, readable, secret, alone; or no file at all and the reason."""

import hashlib
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg2
import pytest
import zstandard

from chatai_core import restore_points
from chatai_core.adapters import command, embedded
from chatai_core.adapters.postgres import Database
from chatai_core.backups import creation, pg_dump
from chatai_core.errors import Busy, CannotCreate, ProgramFailed, Unavailable
from chatai_core.restore_points import RestorePoint


def back_up(database: Database, directory: Path) -> RestorePoint:
    return creation.create(database, directory, key_id="0123abcd", embedded=embedded.postgres_binaries())


def complete_files(directory: Path) -> list[str]:
    return sorted(p.name for p in directory.iterdir() if p.name != ".lock") if directory.exists() else []


def fill(database: Database, megabytes: int) -> None:
    database.execute("CREATE TABLE filler (text text)")
    database.execute(
        "INSERT INTO filler SELECT encode(sha512(g::text::bytea), 'hex') FROM generate_series(1, %(n)s) g",
        n=megabytes * 8192,
    )


def test_the_archive_restores_what_was_there(database: Database, empty_database_url: str, tmp_path: Path) -> None:
    database.execute("INSERT INTO users (email, hashed_password) VALUES ('Ann@example.org', 'x')")
    point = back_up(database, tmp_path / "b")
    with zstandard.open(point.path) as stream:
        raw = stream.read()
    programs = pg_dump.choose(int(point.server_version.split(".")[0]), embedded.postgres_binaries())
    address, environment = pg_dump.postgres.without_password(empty_database_url)
    command.run([programs.restore, "--exit-on-error", f"--dbname={address}"], stdin=raw, env=environment)
    restored = Database(empty_database_url)
    assert restored.value("SELECT email FROM users") == "Ann@example.org"
    assert restored.value("SELECT version_num FROM alembic_version") == point.revision
    restored.close()


def test_the_manifest_tells_the_truth(database: Database, tmp_path: Path) -> None:
    point = back_up(database, tmp_path / "b")
    file = Path(point.path)
    assert point.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert point.size_bytes == file.stat().st_size
    assert point.database == database.value("SELECT current_database()")
    assert "vector" in point.extensions
    assert point.verified
    assert restore_points.all(tmp_path / "b") == [point]


def test_nobody_else_may_read_it(database: Database, tmp_path: Path) -> None:
    point = back_up(database, tmp_path / "b")
    assert stat.S_IMODE(Path(point.path).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o700
    manifest = Path(point.path.removesuffix(".dump.zst") + restore_points.SUFFIX)
    assert stat.S_IMODE(manifest.stat().st_mode) == 0o600


def test_two_in_one_second_get_two_names(database: Database, tmp_path: Path) -> None:
    points = [back_up(database, tmp_path / "b") for _ in range(3)]
    assert len({point.id for point in points}) == 3
    assert restore_points.all(tmp_path / "b") == sorted(points, key=lambda point: point.created_at)


def test_a_second_backup_at_once_is_told_who_makes_the_first(database: Database, tmp_path: Path) -> None:
    directory = tmp_path / "b"
    directory.mkdir()
    descriptor = os.open(directory / ".lock", os.O_RDWR | os.O_CREAT)
    os.write(descriptor, b"4242\n")
    import fcntl

    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with pytest.raises(Busy) as caught:
        back_up(database, directory)
    os.close(descriptor)
    assert "4242" in caught.value.why
    assert complete_files(directory) == []


def test_who_makes_the_first_may_say_so_a_moment_later(database: Database, tmp_path: Path) -> None:
    import fcntl

    directory = tmp_path / "b"
    directory.mkdir()
    descriptor = os.open(directory / ".lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    later = threading.Timer(0.1, os.write, (descriptor, b"4242\n"))
    later.start()
    with pytest.raises(Busy) as caught:
        back_up(database, directory)
    later.join()
    os.close(descriptor)
    assert caught.value.why == "Process 4242 holds the lock."
    assert caught.value.hint == "ps -fp 4242"


def test_a_failing_pg_dump_leaves_nothing(database: Database, tmp_path: Path) -> None:
    """A table that the role cannot read makes pg_dump fail: its reason is told, no file stays."""
    database.execute("CREATE TABLE secret_table (a int)")
    database.execute("DROP ROLE IF EXISTS half_blind")
    database.execute("CREATE ROLE half_blind LOGIN")
    try:
        limited = Database(database.url.replace("postgres@", "half_blind@"))
        with pytest.raises(ProgramFailed, match="permission denied"):
            back_up(limited, tmp_path / "b")
        limited.close()
    finally:
        database.execute("DROP ROLE half_blind")
    assert complete_files(tmp_path / "b") == []


def test_a_server_that_is_down_is_unavailable(tmp_path: Path) -> None:
    database = Database("postgresql://u:hush@127.0.0.1:1/d")
    with pytest.raises(Unavailable) as caught:
        back_up(database, tmp_path / "b")
    assert "hush" not in str(caught.value)
    assert not (tmp_path / "b").exists()


def test_a_target_that_cannot_be_written_is_said(database: Database, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("")
    with pytest.raises(CannotCreate):
        back_up(database, tmp_path / "f" / "b")


_LIMITED = """
import resource, signal, sys
from pathlib import Path
from chatai_core.adapters import embedded
from chatai_core.adapters.postgres import Database
from chatai_core.backups import creation
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
try:
    creation.create(Database(sys.argv[1]), Path(sys.argv[2]), key_id="k", embedded=embedded.postgres_binaries())
except Exception as error:
    print(type(error).__name__, error)
"""


def test_a_full_disk_leaves_nothing_and_keeps_the_last_good_one(database: Database, tmp_path: Path) -> None:
    """The kernel refuses to let the file grow (RLIMIT_FSIZE), as a full disk would."""
    first = back_up(database, tmp_path / "b")
    fill(database, 2)
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, database.url, str(tmp_path / "b")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.startswith("CannotCreate The backup cannot be written"), done
    assert restore_points.all(tmp_path / "b") == [first]
    assert len(complete_files(tmp_path / "b")) == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_really_full_disk_is_said(database: Database, tmp_path: Path) -> None:
    fill(database, 4)
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)], check=False)
    if mounted.returncode:
        pytest.skip("this sandbox lets nobody mount a tmpfs")
    try:
        with pytest.raises(CannotCreate, match=r"No space left on device") as caught:
            back_up(database, small / "b")
        assert "df -h" in caught.value.hint
        assert complete_files(small / "b") == []
    finally:
        subprocess.run(["umount", str(small)], check=True)


_KILLED = """
import sys
from pathlib import Path
from chatai_core.adapters import embedded
from chatai_core.adapters.postgres import Database
from chatai_core.backups import creation
creation.create(Database(sys.argv[1]), Path(sys.argv[2]), key_id="k", embedded=embedded.postgres_binaries())
"""


def test_a_killed_backup_leaves_nothing_that_looks_complete(database: Database, tmp_path: Path) -> None:
    """kill -9 at several moments: no manifest without a whole dump; the next backup clears the rest away."""
    fill(database, 8)
    directory = tmp_path / "b"
    for delay in (0.15, 0.3, 0.5):
        process = subprocess.Popen([sys.executable, "-c", _KILLED, database.url, str(directory)])
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        if directory.exists():
            for point in restore_points.all(directory):
                assert hashlib.sha256(Path(point.path).read_bytes()).hexdigest() == point.sha256
    back_up(database, directory)
    points = restore_points.all(directory)
    expected = [Path(point.path).name for point in points]
    assert sorted(name for name in complete_files(directory) if not name.endswith(restore_points.SUFFIX)) == sorted(
        expected
    )


def test_what_others_put_beside_the_backups_stays(database: Database, tmp_path: Path) -> None:
    """A dump brought from another machine has no manifest here: it is not ours to remove."""
    directory = tmp_path / "b"
    directory.mkdir()
    brought = directory / "chatai_20250904T101500Z.dump.zst"
    brought.write_bytes(b"from another machine")
    back_up(database, directory)
    assert brought.read_bytes() == b"from another machine"


def test_a_backup_killed_before_its_last_rename_is_finished_by_the_next(database: Database, tmp_path: Path) -> None:
    first = back_up(database, tmp_path / "b")
    manifest = Path(first.path.removesuffix(".dump.zst") + restore_points.SUFFIX)
    manifest.rename(f"{manifest}.partial")
    assert restore_points.all(tmp_path / "b") == []
    second = back_up(database, tmp_path / "b")
    assert restore_points.all(tmp_path / "b") == [first, second]


def test_a_killed_pg_dump_leaves_nothing(database: Database, tmp_path: Path) -> None:
    fill(database, 16)
    failure: list[BaseException] = []

    def run() -> None:
        try:
            back_up(Database(database.url), tmp_path / "b")
        except ProgramFailed as error:
            failure.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    killed = False
    deadline = time.monotonic() + 10
    while not killed and thread.is_alive() and time.monotonic() < deadline:
        children = subprocess.run(
            ["pgrep", "-P", str(os.getpid()), "-f", "pg_dump --format"], capture_output=True, text=True, check=False
        ).stdout.split()
        for child in children:
            os.kill(int(child), signal.SIGKILL)
            killed = True
        time.sleep(0.001)
    thread.join()
    assert killed
    assert failure
    assert complete_files(tmp_path / "b") == []


def test_the_password_is_never_in_an_argument() -> None:
    programs = pg_dump.Programs(Path("pg_dump"), Path("pg_restore"), "18.0")
    argv, environment = pg_dump.dump_command(programs, "postgresql://u:hush@h/d")
    assert not any("hush" in word for word in argv)
    assert environment == {"PGPASSWORD": "hush"}


def test_a_pg_dump_older_than_the_server_is_not_used() -> None:
    with pytest.raises(Unavailable, match="no pg_dump for PostgreSQL 99"):
        pg_dump.choose(99, embedded.postgres_binaries())


def test_the_oldest_able_pg_dump_is_chosen() -> None:
    assert pg_dump.choose(14, embedded.postgres_binaries()).major >= 14


def test_a_database_name_with_quotes_and_blanks_is_dumped(database: Database, tmp_path: Path) -> None:
    """Names travel as a libpq connection string: quotes and backslashes must survive."""
    name = "Odd 'Name' \\ Имя"
    connection = psycopg2.connect(database.url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS \"Odd 'Name' \\ Имя\"")
        cursor.execute("CREATE DATABASE \"Odd 'Name' \\ Имя\"")
    try:
        from urllib.parse import quote, urlsplit

        parts = urlsplit(database.url)
        odd = Database(parts._replace(path="/" + quote(name, safe="")).geturl())
        assert back_up(odd, tmp_path / "b").database == name
        odd.close()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP DATABASE \"Odd 'Name' \\ Имя\"")
        connection.close()
