"""Replication, with a real standby: lags that are true when all is quiet, slots that retain, an archiver that fails."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TypeVar

import psycopg2

from chatai_core.adapters.postgres import Database
from chatai_core.database import ping, replication, sequences, wraparound
from chatai_core.database.replication import Receiver, Replication
from tests.core.database.roles import seen_by_a_role
from tests.servers.clusters import Cluster

Answer = TypeVar("Answer")


@contextmanager
def opened(*clusters: Cluster) -> Iterator[list[Database]]:
    databases = [Database(cluster.url) for cluster in clusters]
    yield databases
    for database in databases:
        database.close()


@contextmanager
def standby_of(primary: Cluster) -> Iterator[Cluster]:
    directory = primary.directory.with_name("standby")
    standby = primary.standby(
        directory, slot="standby_1", hot_standby_feedback="on", wal_receiver_status_interval="1"
    ).start()
    yield standby
    standby.stop()
    shutil.rmtree(directory)


def soon(question: Callable[[], Answer | None]) -> Answer:
    """The answer, when there is one: WAL takes its time to another process."""
    deadline = time.monotonic() + 10
    while not (found := question()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def eventually(database: Database, condition: Callable[[Replication], object]) -> Replication:
    """The status as soon as it is so."""

    def asked() -> Replication | None:
        found = replication.status(database)
        return found if condition(found) else None

    return soon(asked)


def receiver(found: Replication) -> Receiver:
    assert found.receiver is not None
    return found.receiver


def test_a_server_alone_has_nothing_behind_it(reports: Database) -> None:
    found = replication.status(reports)
    assert (found.role, found.standbys, found.receiver, found.archiver) == ("primary", [], None, None)


def test_a_standby_and_its_primary_agree(cluster: Cluster) -> None:
    cluster.settings["wal_level"] = "logical"
    cluster.start()
    with standby_of(cluster) as standby, opened(cluster, standby) as (primary, replica):
        primary.execute("CREATE TABLE t AS SELECT generate_series(1, 1000)")
        assert ping.ping(replica, pool=1).server == "standby"
        at_rest(primary, replica)
        behind_when_paused(primary, replica)
        if int(cluster.major) >= 15:
            without_an_unlogged_value(primary, replica)
        holding_rows(primary, replica)
        seen_without_pg_monitor(primary, replica)
        cut_off(cluster, primary, replica)


def at_rest(primary: Database, replica: Database) -> None:
    found = eventually(primary, lambda now: [s.replay_lag_bytes for s in now.standbys] == [0])
    (standby,), (slot,) = found.standbys, found.slots
    assert (standby.state, standby.sync_state, standby.replay_lag_seconds) == ("streaming", "async", 0)
    assert (standby.write_lag_bytes, standby.flush_lag_bytes, standby.unsent_bytes) == (0, 0, 0)
    assert (slot.name, slot.type, slot.active, slot.pid) == ("standby_1", "physical", True, standby.pid)
    time.sleep(0.3)  # nothing happens on the primary meanwhile, and the standby is not behind for that
    idle = eventually(replica, lambda now: receiver(now).replay_lag_seconds == 0)
    assert (idle.role, receiver(idle).connected, receiver(idle).paused) == ("standby", True, False)
    assert (receiver(idle).status, receiver(idle).slot, receiver(idle).unreplayed_bytes) == (
        "streaming",
        "standby_1",
        0,
    )


def behind_when_paused(primary: Database, replica: Database) -> None:
    replica.value("SELECT pg_wal_replay_pause()")
    primary.execute("INSERT INTO t SELECT generate_series(1, 1000)")
    time.sleep(0.1)
    behind = eventually(replica, lambda now: receiver(now).unreplayed_bytes)
    assert receiver(behind).paused and (receiver(behind).replay_lag_seconds or 0) > 0.1
    seen = eventually(primary, lambda now: now.standbys[0].replay_lag_bytes)
    assert seen.standbys[0].flush_lag_bytes == 0 and (seen.standbys[0].replay_lag_bytes or 0) > 0
    replica.value("SELECT pg_wal_replay_resume()")
    eventually(replica, lambda now: receiver(now).unreplayed_bytes == 0 and not receiver(now).paused)


def without_an_unlogged_value(primary: Database, replica: Database) -> None:
    primary.execute("CREATE UNLOGGED SEQUENCE fast")
    primary.value("SELECT nextval('fast')")
    # while the standby replays its making, it is locked there
    (row,) = soon(lambda: [row for row in sequences.used(replica) if row.state != "locked"])
    assert (row.sequence, row.last_value, row.state) == ("fast", None, "standby")


def holding_rows(primary: Database, replica: Database) -> None:
    """What is read on the standby keeps rows on the primary: in its slot, or as a session when it has none."""
    with closing(psycopg2.connect(replica.url)) as reading, reading.cursor() as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT count(*) FROM t")
        holder = soon(lambda: next(iter(wraparound.holders(primary)), None))
        assert (holder.kind, holder.name, holder.state, holder.remedy) == ("slot", "standby_1", "active", None)
        alter(replica, "primary_slot_name = ''")
        holder = soon(lambda: next((held for held in wraparound.holders(primary) if held.kind == "standby"), None))
        assert (holder.role, holder.remedy) == ("postgres", None)
    alter(replica, "primary_slot_name = 'standby_1'")
    eventually(primary, lambda now: now.slots[0].active)


def alter(database: Database, setting: str) -> None:
    with closing(psycopg2.connect(database.url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(f"ALTER SYSTEM SET {setting}")
        cursor.execute("SELECT pg_reload_conf()")


def seen_without_pg_monitor(primary: Database, replica: Database) -> None:
    with seen_by_a_role(primary) as plain:
        found = replication.status(plain)
        assert [(s.state, s.replay_lag_bytes, s.replay_lag_seconds) for s in found.standbys] == [(None, None, None)]
        assert "GRANT pg_monitor" in (found.hidden or "")
        assert [slot.name for slot in found.slots] == ["standby_1"]
        role = plain.value("SELECT current_user::text")
        eventually(replica, lambda now: replica.value("SELECT 1 FROM pg_roles WHERE rolname = %(r)s", r=role))
        there = Database(replica.url.replace("//postgres@", f"//{role.replace(' ', '%20')}@"))
        half = replication.status(there)
        assert (receiver(half).connected, receiver(half).status, receiver(half).replay_lag_seconds) == (True, None, 0)
        assert "GRANT pg_monitor" in (half.hidden or "")
        there.close()


def cut_off(cluster: Cluster, primary: Database, replica: Database) -> None:
    primary.close()
    cluster.stop()
    alone = eventually(replica, lambda now: not receiver(now).connected)
    assert receiver(alone).replay_lag_seconds is None  # who knows what the primary has written since
    assert receiver(alone).replayed_until


def test_a_slot_that_nobody_reads_retains_wal_until_it_is_lost(cluster: Cluster) -> None:
    sizes = {"max_slot_wal_keep_size": "64MB", "max_wal_size": "32MB", "min_wal_size": "32MB"}
    cluster.settings |= {"wal_level": "logical", **sizes}
    with opened(cluster.start()) as (database,):
        database.value("SELECT pg_create_physical_replication_slot('forgotten', true)")
        database.value("SELECT pg_create_logical_replication_slot('changes', 'test_decoding')")
        write_wal(database)
        changes, forgotten = sorted(replication.status(database).slots, key=lambda slot: slot.name)
        assert (forgotten.retained_bytes or 0) > 5_000_000 and (changes.unconfirmed_bytes or 0) > 5_000_000
        assert (forgotten.active, forgotten.wal_status, forgotten.invalidation_reason) == (False, "reserved", None)
        assert forgotten.safe_bytes and forgotten.unconfirmed_bytes is None
        assert (changes.type, changes.plugin, changes.database) == ("logical", "test_decoding", "postgres")
        assert changes.catalog_xmin_age is not None and changes.xmin_age is None
        if int(cluster.major) >= 17:
            assert forgotten.inactive_since and forgotten.inactive_since < datetime.now(UTC)
        for _time in range(8):
            write_wal(database)
        database.execute("CHECKPOINT")
        lost = replication.status(database).slots[-1]
        assert (lost.wal_status, lost.invalidation_reason, lost.retained_bytes) == ("lost", "wal_removed", None)


def write_wal(database: Database) -> None:
    database.execute("DROP TABLE IF EXISTS much")
    database.execute("CREATE TABLE much AS SELECT repeat('x', 1000) FROM generate_series(1, 8000)")
    database.value("SELECT pg_switch_wal()")


def test_an_archiver_that_fails_is_seen_and_its_success_too(cluster: Cluster) -> None:
    works = cluster.directory / "works"
    cluster.settings |= {"archive_mode": "on", "archive_command": f"test -f {works}"}
    with opened(cluster.start()) as (database,):
        database.execute("CREATE TABLE t ()")
        database.value("SELECT pg_switch_wal()")
        found = eventually(database, lambda now: now.archiver and now.archiver.failing).archiver
        assert found and found.failed_count > 0 and found.last_failed_wal and found.last_failed_at
        assert (found.archived_count, found.last_archived_seconds) == (0, None)
        works.touch()
        found = eventually(database, lambda now: now.archiver and now.archiver.archived_count).archiver
        assert found and found.failing is False and (found.last_archived_seconds or 0) >= 0
