"""Whoever gets killed, nothing stays behind and the next user is served."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import redis

from tests.core.adapters.embedded.users import (
    KEEPER,
    USER,
    User,
    acquire,
    asked,
    ends_within,
    one_of,
    ping,
    postmaster,
    processes_of,
)


def test_nothing_stays_when_the_only_user_is_killed_although_its_child_lives(used: Path) -> None:
    script = USER.replace("    sys.stdin", "    import subprocess; subprocess.Popen(['sleep', '20'])\n    sys.stdin")
    user = subprocess.Popen(
        [sys.executable, "-c", script, used, "postgres", "valkey"],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    assert user.stdout is not None
    assert user.stdout.readline().startswith(b"ready")
    children = psutil.Process(user.pid).children()
    user.kill()
    assert ends_within(3, lambda: [p for p in processes_of(used) if p.pid != user.pid])
    for child in children:
        child.kill()
    user.communicate()


def test_after_a_killed_keeper_the_next_user_finds_the_same_servers(used: Path) -> None:
    first = acquire(used)
    pid = postmaster(used)
    one_of(used, KEEPER).kill()
    second = acquire(used)
    assert postmaster(used) == pid
    first.release()
    assert asked(second.database_url, "SELECT 1") == 1
    assert ping(second.redis_url)
    second.release()
    assert processes_of(used) == []


def test_after_a_killed_keeper_the_last_user_stops_the_servers(used: Path) -> None:
    lease = acquire(used)
    one_of(used, KEEPER).kill()
    lease.release()
    assert processes_of(used) == []


def test_after_killing_keeper_and_user_the_next_one_cleans_up(used: Path) -> None:
    user = User(used)
    assert user.said()[0] == "ready"
    one_of(used, KEEPER).kill()
    user.kill()
    lease = acquire(used)
    assert asked(lease.database_url, "SELECT 1") == 1
    lease.release()
    assert processes_of(used) == []


def test_servers_that_were_killed_are_back_for_the_next_user(used: Path) -> None:
    first = acquire(used)
    asked(first.database_url, "DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 42 AS answer")
    for pid in (postmaster(used), one_of(used, "valkey-server").pid):
        os.kill(pid, signal.SIGKILL)
    second = acquire(used)
    assert asked(second.database_url, "SELECT answer FROM kept") == 42
    assert ping(second.redis_url)
    second.release()
    first.release()
    assert processes_of(used) == []


def test_everything_killed_at_once_recovers(used: Path) -> None:
    user = User(used)
    assert user.said()[0] == "ready"
    for process in [user.process, *processes_of(used)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    user.kill()
    lease = acquire(used)
    assert asked(lease.database_url, "SELECT 1") == 1
    lease.release()
    assert processes_of(used) == []


def test_a_server_that_has_lived_a_while_is_revived_without_being_asked(used: Path) -> None:
    lease = acquire(used)
    time.sleep(2.1)
    one_of(used, "valkey-server").kill()
    assert ends_within(3, lambda: not _pings(lease.redis_url))
    lease.release()
    assert processes_of(used) == []


def _pings(url: str) -> bool:
    try:
        return bool(ping(url))
    except redis.ConnectionError:
        return False


def test_a_machine_that_shuts_down_stops_them_in_order(used: Path) -> None:
    lease = acquire(used)
    one_of(used, KEEPER).terminate()
    assert ends_within(5, lambda: processes_of(used))
    assert "database system is shut down" in (used / "run" / "postgres.log").read_text().splitlines()[-1]
    lease.release()


def test_the_keeper_is_not_told_the_secrets_of_its_first_user(used: Path) -> None:
    user = User(used, env={**os.environ, "SECRET_KEY": "hush-hush", "PGPORT": "1"})
    assert user.said()[0] == "ready"
    for process in processes_of(used):
        assert "hush-hush" not in str(process.environ())
    user.release()
