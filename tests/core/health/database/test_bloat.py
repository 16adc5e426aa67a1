"""Checks of dead rows and of empty space."""

import signal

import pytest

from chatai_core.adapters.postgres import Database
from chatai_core.health.database import bloat
from tests.core.health.database.conftest import Looking
from tests.servers.clusters import Cluster


@pytest.fixture
def half_empty(any_database: Database) -> Database:
    """A table of which two thirds were deleted and vacuumed, and one where the dead rows still are."""
    for name in ("holes", "corpses"):
        any_database.execute(
            f"CREATE TABLE {name} AS SELECT g AS id, md5(g::text) AS t FROM generate_series(1, 30000) g"
        )
    any_database.execute("DELETE FROM holes WHERE id %% 3 <> 0")
    any_database.execute("DELETE FROM corpses WHERE id %% 2 = 0")
    any_database.close()  # only now are its counters told to the server
    return any_database


def vacuum(database: Database, what: str) -> None:
    import psycopg2

    connection = psycopg2.connect(database.url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(what)
    connection.close()


def test_a_table_that_vacuum_has_missed_is_a_warning_and_named(looking: Looking, half_empty: Database) -> None:
    vacuum(half_empty, "VACUUM ANALYZE holes")
    vacuum(half_empty, "ANALYZE corpses")
    found = bloat.dead(looking())
    assert (found.status, found.remedy) == ("warning", "chatai db vacuum public.corpses")
    vacuum(half_empty, "VACUUM corpses")
    assert bloat.dead(looking()).status == "ok"


def test_empty_space_is_judged_by_its_size(looking: Looking, half_empty: Database) -> None:
    vacuum(half_empty, "VACUUM ANALYZE")
    assert bloat.check(looking()).status == "ok"
    found = bloat.check(looking(bloat_warning=100_000, bloat_critical=10**9))
    assert (found.status, found.evidence["table"]) == ("warning", "public.holes")
    assert bloat.check(looking(bloat_warning=1000, bloat_critical=100_000)).status == "critical"


def test_bloat_of_a_large_table_that_cannot_be_known_is_unknown(looking: Looking, half_empty: Database) -> None:
    found = bloat.check(looking(bloat_warning=500_000, bloat_critical=10**9))
    assert (found.status, found.remedy) == ("unknown", "chatai db bloat")


def test_empty_space_of_indexes_is_called_that(looking: Looking, any_database: Database) -> None:
    any_database.execute("CREATE TABLE dup AS SELECT g AS a FROM generate_series(1, 30000) g")
    any_database.execute("CREATE INDEX i ON dup (a) WITH (fillfactor = 20); ALTER INDEX i RESET (fillfactor)")
    any_database.close()
    vacuum(any_database, "ANALYZE")
    found = bloat.check(looking(bloat_warning=1_000_000))
    assert found.status == "warning"
    assert found.summary.startswith("2.34 MiB of the indexes of public.dup are empty"), found.summary


def test_large_indexes_that_cannot_be_estimated_are_unknown(looking: Looking, any_database: Database) -> None:
    any_database.execute("CREATE TABLE t AS SELECT g AS a FROM generate_series(1, 30000) g")
    any_database.execute("CREATE INDEX i ON t (a) WHERE a > 5; CREATE INDEX j ON t (a) WHERE a > 6")
    any_database.close()
    vacuum(any_database, "ANALYZE")
    assert bloat.check(looking(bloat_warning=2_000_000)).status == "ok"
    found = bloat.check(looking(bloat_warning=1_000_000, bloat_critical=10**9))
    assert (found.status, found.remedy) == ("unknown", "chatai db bloat public.t --exact")
    assert found.summary == "The bloat of 2 indexes of public.t (1.31 MiB) cannot be estimated."


def test_bloat_that_a_crash_has_made_unknown_is_unknown(look_at: Looking, cluster: Cluster) -> None:
    database = Database(cluster.start().url)
    database.execute("CREATE TABLE t AS SELECT generate_series(1, 60000) AS id; ANALYZE t")
    database.execute("DELETE FROM t WHERE id %% 2 = 0")
    database.close()
    vacuum(database, "CHECKPOINT")
    cluster.stop(signal.SIGQUIT).start()
    found = bloat.check(look_at(cluster.url, bloat_warning=500_000))
    assert found.status == "unknown" and "A crash or a reset has taken its counters" in found.summary


def test_dead_rows_that_a_crash_has_made_unknown_are_unknown(look_at: Looking, cluster: Cluster) -> None:
    database = Database(cluster.start().url)
    database.execute("CREATE TABLE t AS SELECT generate_series(1, 60000) AS id")
    database.execute("DELETE FROM t WHERE id %% 2 = 0")
    database.close()
    vacuum(database, "CHECKPOINT")
    cluster.stop(signal.SIGQUIT).start()
    assert bloat.dead(look_at(cluster.url)).status == "unknown"
