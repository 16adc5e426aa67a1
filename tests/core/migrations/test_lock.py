"""One migration at a time."""

import subprocess
import threading
import time

import pytest

from chatai_core import migrations
from chatai_core.adapters.postgres import Database
from chatai_core.errors import Busy
from chatai_core.migrations import Terms, scripts
from chatai_core.migrations.lock import locked
from tests.servers.command import PROGRAM, Command
from tests.servers.databases import Databases

HEAD = scripts.chain()[-1].revision


def test_whoever_waits_in_vain_learns_who_holds_the_lock(empty_database_url: str) -> None:
    with locked(empty_database_url) as holder:
        pid = holder.exec_driver_sql("SELECT pg_backend_pid()").scalar()
        began = time.monotonic()
        with pytest.raises(Busy) as caught:
            migrations.upgrade(empty_database_url, terms=Terms(wait=0.5))
    assert 0.5 <= time.monotonic() - began < 5
    assert f"Process {pid} (chatai migrate, role postgres, local) holds the lock since 20" in caught.value.why


def test_the_command_waits_as_long_as_it_is_told(chatai: Command, empty_database_url: str) -> None:
    with locked(empty_database_url):
        refused = chatai("migrate", "upgrade", "--wait", "0.3")
    assert refused.exit_code == 75
    assert refused.stdout == ""
    assert "Another migration" in refused.stderr and "chatai migrate, role postgres" in refused.stderr


def test_whoever_waits_goes_on_when_the_other_is_done(empty_database_url: str) -> None:
    done: list[migrations.Migrated] = []
    with locked(empty_database_url):
        waiting = threading.Thread(
            target=lambda: done.append(migrations.upgrade(empty_database_url, terms=Terms(wait=20)))
        )
        waiting.start()
        time.sleep(0.5)
        assert done == []
    waiting.join(20)
    assert done[0].revision == HEAD


def test_of_many_deployments_at_once_one_migrates(chatai: Command, empty_database_url: str) -> None:
    running = [
        subprocess.Popen([PROGRAM, "migrate", "upgrade", "--json"], env=chatai.environment, stdout=subprocess.PIPE)
        for _number in range(3)
    ]
    said = [process.communicate(timeout=60)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert sum(b'"apply ' in text for text in said) == 1
    assert migrations.check(empty_database_url).status == "ok"


def test_another_database_of_the_server_is_not_locked(databases: Databases, empty_database_url: str) -> None:
    with locked(empty_database_url), databases.empty() as other:
        assert migrations.upgrade(other, terms=Terms(wait=0)).revision == HEAD


def test_an_error_frees_the_lock(database: Database, database_url: str) -> None:
    database.execute("CREATE VIEW v AS SELECT * FROM users")
    with pytest.raises(Exception, match="other objects depend on it"):
        migrations.downgrade(database_url, "base")
    database.execute("DROP VIEW v")
    assert migrations.downgrade(database_url, "base", terms=Terms(wait=0)).revision is None
