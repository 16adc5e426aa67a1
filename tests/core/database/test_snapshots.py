"""Snapshots of counters: carried on while they count, begun again when something wiped them out."""

import signal
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chatai_core.adapters.postgres import READ_ONLY, Database
from chatai_core.database import snapshots
from chatai_core.database.snapshots import superfluous
from tests.core.database.ageing import aged, files_in
from tests.core.database.roles import seen_by_a_role
from tests.servers.clusters import Cluster
from tests.servers.databases import PostgreSQL

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def scanned(any_database: Database) -> int:
    """The oid of an index that has been scanned."""
    any_database.execute('CREATE TABLE "Odd" (a int PRIMARY KEY)')
    any_database.execute('INSERT INTO "Odd" SELECT generate_series(1, 1000)')
    return scan(any_database)


def scan(database: Database) -> int:
    """Scan the index once; its oid."""
    with database.connection() as connection, connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute('SELECT * FROM "Odd" WHERE a = 5')
    database.value("SELECT pg_stat_force_next_flush()")
    return int(database.value("""SELECT '"Odd_pkey"'::regclass::oid"""))


def test_the_first_one_holds_the_counters_and_is_kept_for_the_owner_alone(
    any_database: Database, reports: Database, scanned: int, tmp_path: Path
) -> None:
    any_database.execute("CREATE SEQUENCE numbers")
    any_database.value("SELECT setval('numbers', 42)")
    taken = snapshots.take(reports, tmp_path / "database")
    assert taken.indexes[scanned].name == "Odd_pkey"
    assert taken.indexes[scanned].scans == 1
    assert taken.indexes[scanned].since == taken.taken_at
    assert taken.sequences == {any_database.value("SELECT 'numbers'::regclass::oid"): 42}
    assert taken.database_bytes > 1_000_000
    assert taken.reading is None
    assert snapshots.newest(reports, tmp_path / "database") == taken
    (file,) = files_in(tmp_path)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_a_counter_that_stands_still_is_known_to_and_one_that_rises_counts_on(
    any_database: Database, reports: Database, scanned: int, tmp_path: Path
) -> None:
    first = snapshots.take(reports, tmp_path)
    second = snapshots.take(reports, tmp_path)
    assert second.indexes[scanned].still_since == first.taken_at
    scan(any_database)
    third = snapshots.take(reports, tmp_path)
    assert third.indexes[scanned].scans == 2
    assert third.indexes[scanned].since == first.taken_at
    assert third.indexes[scanned].still_since == third.taken_at
    assert third.counters_since == first.counters_since
    assert len(files_in(tmp_path)) == 1, "the newest is younger than ten minutes"


def test_a_reset_begins_anew(any_database: Database, reports: Database, scanned: int, tmp_path: Path) -> None:
    first = snapshots.take(reports, tmp_path)
    any_database.value("SELECT pg_stat_reset()")
    second = snapshots.take(reports, tmp_path)
    assert second.stats_reset is not None
    assert second.counters_since == second.stats_reset > first.taken_at
    assert second.indexes[scanned].since == second.taken_at


def test_a_counter_that_fell_is_a_reset_whatever_the_server_says(
    any_database: Database, reports: Database, scanned: int, tmp_path: Path
) -> None:
    snapshots.take(reports, tmp_path)
    aged(tmp_path, timedelta(), scans=1000)
    second = snapshots.take(reports, tmp_path)
    assert second.counters_since == second.taken_at
    assert second.indexes[scanned].since == second.taken_at


def test_a_recreated_index_is_no_fallen_counter(
    any_database: Database, reports: Database, scanned: int, tmp_path: Path
) -> None:
    first = snapshots.take(reports, tmp_path)
    any_database.execute('ALTER TABLE "Odd" DROP CONSTRAINT "Odd_pkey", ADD PRIMARY KEY (a)')
    second = snapshots.take(reports, tmp_path)
    assert second.counters_since == first.counters_since
    assert scanned not in second.indexes
    (again,) = second.indexes.values()
    assert (again.name, again.scans, again.since) == ("Odd_pkey", 0, second.taken_at)


def test_a_crash_begins_anew_although_no_counter_fell_and_stats_reset_is_unknown(
    cluster: Cluster, tmp_path: Path
) -> None:
    database = Database(cluster.start().url, settings=READ_ONLY)
    first = snapshots.take(database, tmp_path)
    database.close()
    cluster.stop(signal.SIGQUIT).start()
    second = snapshots.take(database, tmp_path)
    assert second.counters_since > first.taken_at
    database.close()
    cluster.stop().start()
    assert snapshots.take(database, tmp_path).counters_since == second.counters_since, "an orderly restart loses none"
    database.close()


def test_a_renamed_database_goes_on_and_a_recreated_one_does_not(server: PostgreSQL, tmp_path: Path) -> None:
    def take(url: str) -> snapshots.Snapshot:
        database = Database(url)
        try:
            return snapshots.take(database, tmp_path)
        finally:
            database.close()

    with server.empty() as url:
        first = take(url)
        name = url.partition("@/")[2].partition("?")[0]
        server.execute("ALTER DATABASE {} RENAME TO {}", name, f"{name}_б")
        assert take(server.url(f"{name}_б")).counters_since == first.counters_since
        assert len(files_in(tmp_path)) == 1
        server.execute("DROP DATABASE {}", f"{name}_б")
        server.execute("CREATE DATABASE {}", name)
        take(url)
        assert len(files_in(tmp_path)) == 2


def test_a_role_that_may_do_nothing_finds_the_snapshots_of_the_others(
    any_database: Database, reports: Database, scanned: int, tmp_path: Path
) -> None:
    first = snapshots.take(reports, tmp_path)
    with seen_by_a_role(any_database) as database:
        assert snapshots.newest(database, tmp_path) == first
        assert snapshots.take(database, tmp_path).indexes[scanned].since == first.taken_at


def test_what_is_no_snapshot_is_ignored_and_said(reports: Database, tmp_path: Path) -> None:
    first = snapshots.take(reports, tmp_path)
    (good,) = files_in(tmp_path)
    (good.parent / "notes.txt").write_text("not ours")
    (good.parent / "20260102T030405Z.json.zst").write_bytes(b"foreign")
    assert snapshots.take(reports, tmp_path).reading is None, "older than the newest good one: nobody asked for it"
    oldest = snapshots.oldest(reports, tmp_path, within=10 * 365 * 86400)
    assert oldest == first
    good.write_bytes(good.read_bytes()[:-20])
    second = snapshots.take(reports, tmp_path)
    assert f"{good} is no snapshot of counters and is ignored." in (second.reading or "")


def test_a_directory_that_cannot_be_written_is_said_and_the_counters_are_there(
    reports: Database, scanned: int, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    taken = snapshots.take(reports, tmp_path / "file")
    assert taken.indexes[scanned].scans == 1
    assert "The counters could not be kept for the next time." in (taken.reading or "")


def test_a_locked_or_forbidden_sequence_is_left_out(any_database: Database, tmp_path: Path) -> None:
    any_database.execute("CREATE SEQUENCE numbers; CREATE SEQUENCE others")
    any_database.value("SELECT nextval('numbers'), nextval('others')")
    others = any_database.value("SELECT 'others'::regclass::oid")
    with seen_by_a_role(any_database, "pg_read_all_data") as all_of_them, seen_by_a_role(any_database) as none:
        assert snapshots.take(none, tmp_path).sequences == {}
        assert snapshots.take(all_of_them, tmp_path).sequences[others] == 1
        with any_database.connection() as connection, connection.cursor() as cursor:
            cursor.execute("DROP SEQUENCE others")
            assert len(snapshots.take(all_of_them, tmp_path).sequences) == 1
            connection.rollback()


def test_many_at_once_leave_snapshots_that_can_be_read(any_url: str, tmp_path: Path) -> None:
    def take() -> None:
        database = Database(any_url)
        snapshots.take(database, tmp_path)
        database.close()

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    database = Database(any_url)
    assert snapshots.take(database, tmp_path).reading is None
    assert all(file.name.endswith(".json.zst") for file in files_in(tmp_path))
    database.close()


def test_growth_is_per_day_and_unknown_within_an_hour(reports: Database, tmp_path: Path) -> None:
    snapshots.take(reports, tmp_path)
    aged(tmp_path, timedelta(days=2))
    old = snapshots.oldest(reports, tmp_path)
    new = snapshots.take(reports, tmp_path)
    assert old is not None
    assert snapshots.growth_per_day(old, new) == 0
    assert snapshots.growth_per_day(new, new) is None
    assert snapshots.oldest(reports, tmp_path, within=86400) == new
    assert len(files_in(tmp_path)) == 2


def test_one_an_hour_for_two_days_one_a_day_for_35_and_always_the_newest() -> None:
    times = [NOW - timedelta(minutes=10 * n) for n in range(6 * 24 * 50)]
    left = sorted(set(times) - set(superfluous(times, NOW)), reverse=True)
    assert left[0] == NOW
    assert 48 <= sum(NOW - time <= timedelta(days=2) for time in left) <= 50
    assert 84 > len(left) > 48 + 32
    assert left[-1] >= NOW - timedelta(days=35)
    assert superfluous([NOW - timedelta(days=99)], NOW) == []


def test_thinning_again_and_again_keeps_an_old_one() -> None:
    kept: list[datetime] = []
    for n in range(6 * 24 * 40):
        now = NOW + timedelta(minutes=10 * n)
        kept.append(now)
        kept = sorted(set(kept) - set(superfluous(kept, now)))
    assert now - kept[0] > timedelta(days=34)
    assert len(kept) < 90
