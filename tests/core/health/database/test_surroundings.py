"""Checks of what the database leans on: extensions, collations, replicas, slots, the archive."""

import time

from chatai_core.adapters.postgres import Database
from chatai_core.findings import Finding, Skipped
from chatai_core.health.database import extensions, replication
from tests.core.database.test_extensions import collation, outdate
from tests.core.health.database.conftest import Looking
from tests.servers.clusters import Cluster


def test_an_outdated_extension_is_a_warning_with_the_statement_that_repairs(
    looking: Looking, any_database: Database
) -> None:
    any_database.execute("CREATE EXTENSION pg_stat_statements VERSION '1.8'")
    found = extensions.check(looking())
    assert found.status == "warning"
    assert found.remedy == "ALTER EXTENSION pg_stat_statements UPDATE;"
    any_database.execute("ALTER EXTENSION pg_stat_statements UPDATE")
    assert extensions.check(looking()).status == "ok"


def test_a_collation_that_changed_under_an_index_is_critical(looking: Looking, any_database: Database) -> None:
    collation(any_database)
    any_database.execute('CREATE TABLE names (name text COLLATE "Мой порядок" PRIMARY KEY)')
    fine = extensions.collations(looking())
    assert isinstance(fine, Skipped) or fine.status == "ok"
    outdate(any_database, "Мой порядок")
    found = extensions.collations(looking())
    assert isinstance(found, Finding)
    assert (found.status, found.remedy) == ("critical", "chatai db extensions")
    assert "1 indexes" in found.summary


def test_a_server_alone_has_nothing_to_be_judged(looking: Looking) -> None:
    assert isinstance(replication.lag(looking()), Skipped)
    assert isinstance(replication.archiver(looking()), Skipped)


def test_a_slot_that_keeps_wal_is_judged_by_its_size(look_at: Looking, cluster: Cluster) -> None:
    database = Database(cluster.start().url)
    assert isinstance(replication.slots(look_at(cluster.url)), Skipped)
    database.value("SELECT pg_create_physical_replication_slot('standby', true)::text")
    database.execute("CREATE TABLE t AS SELECT generate_series(1, 20000)")
    found = replication.slots(look_at(cluster.url, slot_warning=1000, slot_critical=10**9))
    assert isinstance(found, Finding)
    assert (found.status, found.remedy) == ("warning", "chatai db replication")
    tight = replication.slots(look_at(cluster.url, slot_warning=10, slot_critical=1000))
    assert isinstance(tight, Finding) and tight.status == "critical"
    roomy = replication.slots(look_at(cluster.url))
    assert isinstance(roomy, Finding) and roomy.status == "ok"
    database.close()


def test_an_archive_command_that_fails_is_critical(look_at: Looking, cluster: Cluster) -> None:
    cluster.settings |= {"archive_mode": "on", "archive_command": "false", "wal_level": "replica"}
    database = Database(cluster.start().url)
    database.execute("CREATE TABLE t (a int)")
    database.value("SELECT pg_switch_wal()::text")
    end = time.monotonic() + 20
    while True:
        found = replication.archiver(look_at(cluster.url))
        assert isinstance(found, Finding)
        if found.status == "critical":
            break
        assert time.monotonic() < end, found
        time.sleep(0.2)
    assert found.remedy == "chatai db replication"
    database.close()
