"""The first user starts the pair, the last one stops it."""

import contextlib
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import redis
import sqlalchemy

from chatai_core.adapters import embedded
from chatai_core.adapters.embedded.places import Places
from tests.core.adapters.embedded.users import (
    CHECKOUT,
    KEEPER,
    USER,
    User,
    acquire,
    asked,
    ends_within,
    ping,
    processes_of,
)


def test_an_empty_home_becomes_a_database_with_its_extensions(home: Path) -> None:
    lease = acquire(home)
    assert asked(lease.database_url, "SELECT string_agg(extname, ' ' ORDER BY extname) FROM pg_extension") == (
        "pg_stat_statements plpgsql vector"
    )
    assert asked(lease.database_url, "SELECT count(*) >= 0 FROM pg_stat_statements")
    assert asked(lease.database_url, "SELECT current_setting('server_encoding') || lower('ПЁС')") == "UTF8пёс"
    assert asked(lease.database_url, "SELECT current_setting('data_checksums')") == "on"
    assert asked(lease.database_url, "SELECT current_setting('listen_addresses')") == ""
    engine = sqlalchemy.create_engine(lease.database_url.replace("://", "+psycopg2://", 1))
    with engine.connect() as connection:
        assert connection.scalar(sqlalchemy.text("SELECT current_database()")) == "chatai"
    engine.dispose()
    assert ping(lease.redis_url)
    lease.release()
    assert processes_of(home) == []


def test_data_is_still_there_after_the_next_start(used: Path) -> None:
    first = acquire(used)
    asked(first.database_url, "DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 42 AS answer")
    with redis.Redis.from_url(first.redis_url) as client:
        client.set("answer", "42")
    first.release()
    second = acquire(used)
    assert asked(second.database_url, "SELECT answer FROM kept") == 42
    with redis.Redis.from_url(second.redis_url) as client:
        assert client.get("answer") == b"42"
    second.release()


def test_the_last_of_several_users_stops_the_servers(used: Path) -> None:
    first, second = acquire(used), User(used)
    assert second.said()[0] == "ready"
    first.release()
    first.release()  # twice is as good as once
    assert ping(Places(used).redis_url)
    second.release()
    assert processes_of(used) == []


def test_one_process_may_hold_several_leases(used: Path) -> None:
    first, second = acquire(used), acquire(used)
    first.release()
    assert asked(second.database_url, "SELECT 1") == 1
    second.release()
    assert processes_of(used) == []


def test_only_what_is_asked_for_is_started_and_the_other_when_somebody_asks(used: Path) -> None:
    first = embedded.acquire(used, postgres=False, valkey=True)
    assert first.database_url == ""
    assert not (used / "postgres" / "data" / "postmaster.pid").exists()
    second = embedded.acquire(used, postgres=True, valkey=False)
    assert second.redis_url == ""
    assert asked(second.database_url, "SELECT 1") == 1
    second.release()
    assert ping(first.redis_url)
    first.release()
    assert processes_of(used) == []


def test_eight_that_begin_at_once_share_one_pair(home: Path) -> None:
    users = [User(home) for _number in range(8)]
    assert {user.said()[0] for user in users} == {"ready"}
    assert len([p for p in processes_of(home) if KEEPER in p.cmdline()]) == 1
    for user in users:
        user.process.stdin.write("\n")
        user.process.stdin.flush()
    assert [user.said() for user in users] == [["released"]] * 8
    for user in users:
        user.process.communicate()
    assert processes_of(home) == []


def test_a_start_while_the_servers_stop_waits_and_succeeds(used: Path) -> None:
    for _round in range(3):
        first = User(used)
        assert first.said()[0] == "ready"
        first.kill()
        second = User(used)
        assert second.said()[0] == "ready"
        second.release()
    assert processes_of(used) == []


def test_a_fork_neither_keeps_nor_gives_back_its_parents_lease(used: Path) -> None:
    script = USER.replace(
        "    sys.stdin", "    import os\n    if not os.fork(): lease.release(); os._exit(0)\n    sys.stdin"
    )
    user = subprocess.Popen(
        [sys.executable, "-c", script, used, "valkey"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert user.stdout is not None
    assert user.stdout.readline().startswith(b"ready")
    time.sleep(0.3)
    assert ping(Places(used).redis_url)
    user.communicate(b"\n")
    assert processes_of(used) == []


def test_a_home_that_was_removed_in_the_meantime_is_no_obstacle(copied: Path) -> None:
    lease = acquire(copied)
    shutil.rmtree(copied)
    lease.release()
    assert ends_within(5, lambda: processes_of(copied))


def test_without_the_extra_the_hint_says_how_to_install_it() -> None:
    user = subprocess.run(
        [sys.executable, "-S", "-c", USER, "/nonexistent", "postgres"],
        env={"PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
    )
    kind, what, why, hint = user.stdout.rstrip().split("|")
    assert (kind, hint) == ("Misconfigured", "pip install 'chatai[embedded]'")
    assert "DATABASE_URL" in what + why


@pytest.mark.proof
def test_users_who_come_and_go_at_random_are_always_served(used: Path) -> None:
    script = (
        "import random, sys, time, psycopg2\nfrom pathlib import Path\nfrom chatai_core.adapters import embedded\n"
        "for turn in range(12):\n"
        "    lease = embedded.acquire(Path(sys.argv[1]), postgres=True, valkey=turn % 2 == 0)\n"
        "    psycopg2.connect(lease.database_url).close()\n"
        "    time.sleep(random.random() * 0.1)\n"
        "    before = time.monotonic()\n    lease.release()\n    assert time.monotonic() - before < 8\n"
        "    time.sleep(random.random() * 0.3)\n"
    )
    users = [subprocess.Popen([sys.executable, "-c", script, used]) for _number in range(5)]
    deadline = time.monotonic() + 90
    while any(user.poll() is None for user in users) and time.monotonic() < deadline:
        time.sleep(0.5 + random.random())
        for process in processes_of(used):
            with contextlib.suppress(psutil.NoSuchProcess):
                if KEEPER in process.cmdline():
                    process.kill()
    assert [user.wait() for user in users] == [0] * 5
    embedded.acquire(used, postgres=True, valkey=True).release()
    assert processes_of(used) == []
