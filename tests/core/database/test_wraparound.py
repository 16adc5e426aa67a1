"""The age of transaction numbers, and each kind of holder, made for real."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2
import psycopg2.extensions
import pytest

from chatai_core.adapters.postgres import Database
from chatai_core.database import wraparound
from tests.core.database.roles import seen_by_a_role
from tests.servers.clusters import Cluster

NUMBERS = 2000


def use_numbers(database: Database, count: int = NUMBERS) -> None:
    """So many transaction numbers are used up, by subtransactions of one transaction."""
    database.execute("CREATE TEMP TABLE IF NOT EXISTS numbers ()")
    database.execute(
        f"""DO $$ BEGIN FOR i IN 1..{count} LOOP
            BEGIN INSERT INTO numbers DEFAULT VALUES; RAISE division_by_zero;
            EXCEPTION WHEN division_by_zero THEN NULL; END;
        END LOOP; END $$"""
    )


@contextmanager
def another(url: str) -> Iterator[psycopg2.extensions.cursor]:
    with closing(psycopg2.connect(url, application_name="another")) as connection, connection.cursor() as cursor:
        yield cursor


def table(found: wraparound.Wraparound, name: str) -> wraparound.TableAge:
    return next(row for row in found.tables if row.table == name)


def test_ages_are_postgresqls_and_shares_are_of_all_there_are(any_database: Database, reports: Database) -> None:
    found = wraparound.ages(reports)
    expected = any_database.value("SELECT age(datfrozenxid) FROM pg_database WHERE datname = current_database()")
    assert found.database == any_database.value("SELECT current_database()")
    assert found.txid_age == pytest.approx(expected, abs=500)  # other tests use numbers up, too
    assert found.txid_share == found.txid_age / 2**31
    assert found.txid_freeze_share == found.txid_age / 200_000_000
    assert found.mxid_share == found.mxid_age / 2**31
    assert {"template0", "template1", found.database} <= {row.database for row in found.databases}


def test_the_oldest_table_comes_first_with_its_own_limit(any_database: Database, reports: Database) -> None:
    any_database.execute("""CREATE TABLE "Старая" (id int) WITH (autovacuum_freeze_max_age = 100000)""")
    use_numbers(any_database)
    any_database.execute("CREATE TABLE young (id int)")
    found = wraparound.ages(reports, limit=None)
    names = [row.table for row in found.tables]
    assert names.index("Старая") < names.index("young")
    old = table(found, "Старая")
    assert old.txid_age >= NUMBERS
    assert old.txid_freeze_share == old.txid_age / 100_000
    assert table(found, "young").txid_freeze_share == table(found, "young").txid_age / 200_000_000
    assert len(wraparound.ages(reports, limit=3).tables) == 3


def test_toast_counts_in_its_table_with_its_own_limit_or_its_tables(any_database: Database, reports: Database) -> None:
    any_database.execute(
        "CREATE TABLE own (body text)"
        " WITH (autovacuum_freeze_max_age = 150000, toast.autovacuum_freeze_max_age = 100000)"
    )
    any_database.execute("CREATE TABLE shared (body text) WITH (autovacuum_freeze_max_age = 100000)")
    use_numbers(any_database)
    with closing(psycopg2.connect(any_database.url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("VACUUM (FREEZE, PROCESS_TOAST false) own")
    found = wraparound.ages(reports, limit=None)
    assert (table(found, "own").by_toast, table(found, "shared").by_toast) == (True, False)
    assert table(found, "own").txid_age >= NUMBERS
    assert table(found, "own").txid_freeze_share == table(found, "own").txid_age / 100_000
    assert not [row for row in found.tables if row.schema == "pg_toast"]


def test_multixacts_are_counted(any_database: Database, reports: Database, any_url: str) -> None:
    any_database.execute("CREATE TABLE t AS SELECT 1 AS id")
    before = table(wraparound.ages(reports, limit=None), "t").mxid_age
    for _time in range(3):
        with another(any_url) as one, another(any_url) as two:
            one.execute("SELECT * FROM t FOR KEY SHARE")
            two.execute("SELECT * FROM t FOR KEY SHARE")
    found = table(wraparound.ages(reports, limit=None), "t")
    assert found.mxid_age >= before + 3
    assert found.mxid_share == found.mxid_age / 2**31


def test_a_session_that_holds_rows_is_named_with_its_age(any_database: Database, reports: Database) -> None:
    with another(any_database.url) as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT pg_backend_pid()")
        pid = (cursor.fetchone() or [0])[0]
        use_numbers(any_database, 100)
        time.sleep(0.05)
        (holder,) = wraparound.holders(reports)
    assert (holder.kind, holder.pid, holder.name, holder.role) == ("session", pid, "another", "postgres")
    assert holder.txid_age >= 100 and (holder.seconds or 0) >= 0.05
    assert (holder.state, holder.remedy) == ("idle in transaction", f"chatai db terminate {pid}")


def test_a_session_that_only_wrote_holds_rows_as_well(any_database: Database, reports: Database) -> None:
    with another(any_database.url) as cursor:
        cursor.execute("CREATE TABLE t ()")
        assert [holder.kind for holder in wraparound.holders(reports)] == ["session"]


def test_a_session_of_another_database_holds_nothing_of_ours(reports: Database, any_database: Database) -> None:
    name = any_database.value("SELECT current_database()")
    with another(any_database.url.replace(name, "postgres")) as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT 1")
        assert wraparound.holders(reports) == []


def test_a_role_without_pg_monitor_sees_who_but_is_told_what_it_does_not_see(any_database: Database) -> None:
    with another(any_database.url) as cursor, seen_by_a_role(any_database) as plain:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT 1")
        found = wraparound.ages(plain)
        assert [(holder.kind, holder.seconds, holder.state) for holder in found.holders] == [("session", None, None)]
        assert "GRANT pg_monitor TO" in (found.hidden or "")
    with seen_by_a_role(any_database, "pg_monitor") as monitor:
        assert wraparound.ages(monitor).hidden is None


def test_prepared_transactions_and_slots_are_named_with_what_ends_them(cluster: Cluster) -> None:
    cluster.settings |= {"max_prepared_transactions": "2", "wal_level": "logical"}
    cluster.start()
    database = Database(cluster.url)
    database.value("SELECT pg_create_logical_replication_slot('abandoned', 'test_decoding')")
    with closing(psycopg2.connect(cluster.url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("BEGIN; CREATE TABLE t (); PREPARE TRANSACTION 'it''s Вася'")
    use_numbers(database, 50)
    prepared, slot = sorted(wraparound.holders(database), key=lambda holder: holder.kind)
    assert (prepared.kind, prepared.name, prepared.role) == ("prepared", "it's Вася", "postgres")
    assert prepared.txid_age >= 50 and prepared.seconds is not None
    assert prepared.remedy == "ROLLBACK PREPARED 'it''s Вася'"
    assert (slot.kind, slot.name, slot.state) == ("slot", "abandoned", "inactive")
    assert slot.remedy == "SELECT pg_drop_replication_slot('abandoned')"
    database.close()
