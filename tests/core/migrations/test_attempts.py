"""Who waits for a lock waits shortly, tries again, and names who holds it."""

import threading
import time
from contextlib import closing

import psycopg2
import pytest

from chatai_core import migrations
from chatai_core.adapters.postgres import Database
from chatai_core.errors import Busy, Unavailable
from chatai_core.migrations import Terms
from tests.core.migrations.test_change import holding, schema, until

WRITING = "INSERT INTO ai_token_usage (request_id, model_used) VALUES ('a', 'b')"


@pytest.fixture
def url(database_url: str) -> str:
    """One step below head: the step wants SHARE on the ledger."""
    migrations.downgrade(database_url, "-1")
    return database_url


def test_who_holds_a_table_to_the_end_is_named(url: str) -> None:
    before, told = schema(url), list[str]()
    terms = Terms(lock_timeout=0.4, attempts=3, pause=0.05, say=told.append)
    began = time.monotonic()
    with closing(psycopg2.connect(url, application_name="nightly report")) as other, other.cursor() as cursor:
        cursor.execute(WRITING)
        pid = other.get_backend_pid()
        with pytest.raises(Busy) as caught:
            migrations.upgrade(url, terms=terms)
    assert 1.2 <= time.monotonic() - began < 10
    assert "is in use; nothing was changed" in caught.value.what
    holder = f"Process {pid} (nightly report, role postgres, local) is idle in transaction, its query began at 20"
    assert holder in caught.value.why and "3 attempts waited 0.4 s each" in caught.value.why
    assert [line.partition(":")[0] for line in told] == ["Attempt 1 of 3", "Attempt 2 of 3"]
    assert all(holder in line for line in told)
    assert schema(url) == before and not migrations.current(url).is_head


def test_it_goes_on_when_the_lock_is_free(url: str) -> None:
    told: list[str] = []
    terms = Terms(lock_timeout=0.2, attempts=50, pause=0.01, say=told.append)
    done: list[migrations.Migrated] = []
    with holding(url, WRITING):
        waiting = threading.Thread(target=lambda: done.append(migrations.upgrade(url, terms=terms)))
        waiting.start()
        until(lambda: len(told) >= 2)
    waiting.join(20)
    assert done[0].attempts == len(told) + 1 > 2
    assert migrations.check(url).status == "ok"


def test_nobody_queues_up_behind_it(url: str) -> None:
    """Those who only read and write wait no longer than its lock_timeout."""
    terms = Terms(lock_timeout=0.3, attempts=3, pause=0.5)
    slowest = 0.0

    def refused() -> None:
        with pytest.raises(Busy):
            migrations.upgrade(url, terms=terms)

    with holding(url, WRITING):
        trying = threading.Thread(target=refused)
        trying.start()
        with closing(Database(url)) as application:
            while trying.is_alive():
                began = time.monotonic()
                application.execute(
                    "INSERT INTO ai_token_usage (request_id, model_used) VALUES (gen_random_uuid(), 'x')"
                )
                slowest = max(slowest, time.monotonic() - began)
    assert 0.05 < slowest < 1.5


def test_a_deadlock_is_tried_again(database_url: str) -> None:
    """Each has what the other wants, and the migration is the one that is ended."""
    terms = Terms(lock_timeout=30, attempts=3, pause=0.05)
    waiting = "SELECT count(*) FROM pg_locks WHERE relation = 'users'::regclass AND NOT granted"
    done: list[migrations.Migrated] = []
    with closing(psycopg2.connect(database_url)) as other, other.cursor() as cursor:
        cursor.execute("SET deadlock_timeout = '20s'")  # the migration's session finds it first
        cursor.execute("SELECT FROM users")
        going = threading.Thread(target=lambda: done.append(migrations.downgrade(database_url, "base", terms=terms)))
        going.start()
        with closing(Database(database_url)) as watching:
            until(lambda: bool(watching.value(waiting)))
        cursor.execute("SELECT FROM query_embeddings_cache")  # the first that it drops
        other.rollback()
    going.join(20)
    assert (done[0].revision, done[0].attempts) == (None, 2)


def test_a_server_that_goes_away_half_way_is_told_and_leaves_nothing(url: str) -> None:
    """As in its restart: the session ends under the migration."""
    before, caught = schema(url), list[Exception]()

    def migrate() -> None:
        try:
            migrations.upgrade(url, terms=Terms(lock_timeout=30))
        except Unavailable as error:
            caught.append(error)

    with holding(url, WRITING), closing(Database(url)) as watching:
        going = threading.Thread(target=migrate)
        going.start()
        waiting = "SELECT pid FROM pg_locks WHERE relation = 'ai_token_usage'::regclass AND NOT granted"
        until(lambda: watching.value(waiting) is not None)
        watching.value(f"SELECT pg_terminate_backend(({waiting}))")
        going.join(20)
    assert "PostgreSQL does not answer" in str(caught[0])
    assert schema(url) == before
    assert migrations.upgrade(url, terms=Terms(wait=5)).revision == migrations.current(url).head
