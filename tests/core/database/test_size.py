"""The size report: parts that add up, growth that is proved, a disk that is really the server's."""

import os
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest

from chatai_core.adapters.postgres import Database
from chatai_core.database import size
from tests.core.database.ageing import aged
from tests.core.database.roles import seen_by_a_role
from tests.servers.clusters import Cluster
from tests.servers.databases import PostgreSQL


def test_the_parts_are_what_postgresql_says_and_add_up(
    any_database: Database, reports: Database, tmp_path: Path
) -> None:
    any_database.execute("""CREATE TABLE "Таблица" (id int PRIMARY KEY, t text)""")
    any_database.execute("""ALTER TABLE "Таблица" ALTER t SET STORAGE EXTERNAL""")
    any_database.execute("""INSERT INTO "Таблица" SELECT g, repeat(md5(g::text), 300) FROM generate_series(1, 500) g""")
    any_database.execute("""CREATE MATERIALIZED VIEW v AS SELECT id FROM "Таблица" """)
    found = size.measure(reports, tmp_path)
    assert found.database == any_database.value("SELECT current_database()")
    assert found.toast_bytes > 1_000_000
    parts = found.table_bytes + found.index_bytes + found.toast_bytes
    expected = """SELECT pg_total_relation_size('"Таблица"') + pg_total_relation_size('v')"""
    assert parts == any_database.value(expected)
    assert parts + found.other_bytes == found.database_bytes
    assert found.database_bytes == any_database.value("SELECT pg_database_size(current_database())")
    assert found.index_bytes == any_database.value("""SELECT pg_indexes_size('"Таблица"')""")


def test_wal_and_files_of_queries_are_the_servers(reports: Database, tmp_path: Path) -> None:
    found = size.measure(reports, tmp_path)
    assert (found.wal_bytes or 0) >= 1 << 20
    assert found.temp_bytes is not None


def test_a_database_without_tables_has_a_size(reports: Database, tmp_path: Path) -> None:
    found = size.measure(reports, tmp_path)
    assert (found.table_bytes, found.index_bytes, found.toast_bytes) == (0, 0, 0)
    assert found.other_bytes == found.database_bytes > 5_000_000


def test_growth_is_unknown_at_first_and_says_so(reports: Database, tmp_path: Path) -> None:
    found = size.measure(reports, tmp_path)
    assert found.growth_per_day is None
    assert found.days_until_full is None
    assert any(note.startswith("Growth is known an hour after the first snapshot") for note in found.notes)


def test_growth_and_the_day_on_which_the_disk_is_full(
    any_database: Database, reports: Database, tmp_path: Path
) -> None:
    size.measure(reports, tmp_path)
    aged(tmp_path, timedelta(days=2))
    any_database.execute("CREATE TABLE t AS SELECT repeat('x', 1000) FROM generate_series(1, 4000)")
    found = size.measure(reports, tmp_path)
    assert found.growth_per_day == pytest.approx(2_300_000, rel=0.1)
    assert found.disk_free_bytes is not None
    assert found.days_until_full == pytest.approx(found.disk_free_bytes / found.growth_per_day)
    assert found.notes == []


def test_the_disk_is_the_one_of_the_data_directory(reports: Database, any_database: Database) -> None:
    found = size.disk(reports)
    assert found.reason is None
    assert found.total_bytes == shutil.disk_usage(any_database.value("SHOW data_directory")).total


def test_a_role_that_may_nothing_is_told_what_it_does_not_see(any_database: Database, tmp_path: Path) -> None:
    with seen_by_a_role(any_database) as seen:
        found = size.measure(seen, tmp_path)
        assert found.wal_bytes is None
        assert found.temp_bytes is None
        assert "does not see the files of WAL and of queries: GRANT pg_monitor TO" in " ".join(found.notes)
        assert found.database_bytes > 0


def test_a_server_elsewhere_has_no_disk_here(reports: Database) -> None:
    """Its process's number means another process here, as behind a port of a container."""
    said = size.Place(pid=1, started=1.0, data_directory="/", tablespace="")
    found = size.disk_of(said, reports)
    assert found.free_bytes is None
    assert found.reason == "The server runs elsewhere: the disk it is on cannot be seen from here."


def test_a_directory_that_is_another_ones_is_not_taken_for_the_servers(reports: Database, tmp_path: Path) -> None:
    said = reports.value(size.question(size.__file__, "size_disk"))
    for wrong in (tmp_path, tmp_path / "missing"):
        found = size.disk_of(size.Place(**said | {"data_directory": str(wrong)}), reports)
        assert found.reason == f"The directory {wrong} of the server cannot be seen from here."


def test_a_lock_leaves_the_size_of_the_others(any_database: Database, reports: Database, tmp_path: Path) -> None:
    any_database.execute("CREATE TABLE a AS SELECT generate_series(1, 1000); CREATE TABLE b AS SELECT 1")
    with any_database.connection() as connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLE a IN ACCESS EXCLUSIVE MODE")
        found = size.measure(reports, tmp_path)
    assert found.table_bytes == 8192
    assert "1 relation is locked and counts as other." in found.notes


def test_the_disk_of_the_tablespace_counts(cluster: Cluster) -> None:
    owner = (cluster.directory / "data").stat()
    with tempfile.TemporaryDirectory(dir="/dev/shm") as place:
        os.chown(place, owner.st_uid, owner.st_gid)
        server = PostgreSQL(cluster.start().url)
        server.execute(f"CREATE TABLESPACE elsewhere LOCATION '{place}'")
        server.execute("CREATE DATABASE there TABLESPACE elsewhere")
        database = Database(server.url("there"))
        assert size.disk(database).total_bytes == shutil.disk_usage(place).total
        database.close()
        cluster.stop()
