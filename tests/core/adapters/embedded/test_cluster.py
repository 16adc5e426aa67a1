"""PostgreSQL is made whole or not at all, and says why it does not start."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from chatai_core.adapters import embedded
from chatai_core.adapters.embedded.places import Places
from chatai_core.errors import CannotCreate, Misconfigured, Unavailable
from tests.core.adapters.embedded.users import (
    IS_ROOT,
    User,
    acquire,
    asked,
    ends_within,
    ping,
    processes_of,
)


def test_a_first_start_that_was_killed_leaves_nothing_half_made(home: Path) -> None:
    user = User(home)
    assert ends_within(5, lambda: not list(home.glob("postgres/new-*/base")))
    for process in [*processes_of(home), user.process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    user.kill()
    assert not (home / "postgres" / "data").exists()
    lease = acquire(home)
    assert asked(lease.database_url, "SELECT 1") == 1
    lease.release()
    assert [path.name for path in (home / "postgres").iterdir()] == ["data"]


def test_pg_dump_takes_the_extensions_along(used: Path) -> None:
    """Made without a server they could count as PostgreSQL's own, which no dump holds."""
    lease = acquire(used)
    program = embedded.postgres_binaries() / "pg_dump"
    dump = subprocess.run([program, "--schema-only", lease.database_url], capture_output=True, text=True, check=True)
    lease.release()
    assert "CREATE EXTENSION IF NOT EXISTS vector " in dump.stdout
    assert "CREATE EXTENSION IF NOT EXISTS pg_stat_statements " in dump.stdout


def test_data_of_another_major_version_is_refused_with_both_versions(copied: Path) -> None:
    (copied / "postgres" / "data" / "PG_VERSION").write_text("15\n")
    with pytest.raises(Misconfigured, match=r"PostgreSQL 15.*PostgreSQL 18") as caught:
        acquire(copied)
    assert caught.value.hint.startswith("mv ")
    assert ends_within(3, lambda: processes_of(copied))


def test_a_server_that_does_not_start_says_why(copied: Path) -> None:
    with (copied / "postgres" / "data" / "postgresql.conf").open("a") as conf:
        conf.write("shared_preload_libraries = 'no_such_library'\n")
    with pytest.raises(Unavailable, match=r"postgres does not start.*no_such_library") as caught:
        acquire(copied)
    assert caught.value.hint == f"tail {copied}/run/postgres.log"
    lease = embedded.acquire(copied, postgres=False, valkey=True)  # the other one is not concerned
    assert ping(lease.redis_url)
    lease.release()


@pytest.mark.skipif(not IS_ROOT, reason="needs a process of the servers' user that is none of theirs")
def test_a_number_in_postmaster_pid_that_now_belongs_to_another_process_is_no_obstacle(used: Path) -> None:
    data = used / "postgres" / "data"
    with subprocess.Popen(["sleep", "30"], user=data.stat().st_uid) as stranger:
        (data / "postmaster.pid").write_text(f"{stranger.pid}\n{data}\n1\n5432\n\n\n\nready\n")
        lock = Places(used).postgres_socket.with_name(".s.PGSQL.5432.lock")
        lock.write_text(f"{stranger.pid}\n{data}\n1\n5432\n")
        lease = acquire(used)
        assert asked(lease.database_url, "SELECT 1") == 1
        lease.release()
        assert stranger.poll() is None
        stranger.kill()


@pytest.fixture
def small_disk(home: Path) -> Iterator[Path]:
    """A file system of 30 MB."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=30m,mode=755", "tmpfs", str(home)]
    if not IS_ROOT or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("needs root and the right to mount")
    yield home
    ends_within(5, lambda: processes_of(home))
    subprocess.run(["umount", home], check=True)


def test_a_full_disk_is_named(small_disk: Path) -> None:
    with pytest.raises(CannotCreate, match="No space left on device") as caught:
        acquire(small_disk)
    assert caught.value.hint.startswith("df -h")
