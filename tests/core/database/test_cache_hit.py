"""Cache hits: shares that agree with PostgreSQL's counters, none where nothing was read, and since when they count."""

import os
import signal
import time
from datetime import datetime

from chatai_core.adapters.postgres import Database
from chatai_core.database import cache_hit, counters
from tests.servers.clusters import Cluster


def filled(database: Database, name: str = "messages", rows: int = 2000) -> None:
    database.execute(f"CREATE TABLE {name} (id int PRIMARY KEY, body text)")
    database.execute(f"INSERT INTO {name} SELECT g, repeat('x', 100) FROM generate_series(1, {rows}) AS g")
    database.value(f"SELECT count(*) FROM {name}")
    told(database)


def told(database: Database) -> None:
    """Have this connection's counters counted at once, and forget what it was told of them."""
    database.close()
    database.value("SELECT pg_stat_clear_snapshot()")
    time.sleep(0.05)


def test_shares_agree_with_the_counters(any_database: Database, reports: Database) -> None:
    any_database.execute('CREATE SCHEMA "Схема"')
    filled(any_database, '"Схема"."Мои ""сообщения"""')
    rows = cache_hit.shares(reports)
    (table,) = (row for row in rows if row.kind == "table")
    (index,) = (row for row in rows if row.kind == "index")
    hit, read = any_database.value(
        "SELECT ARRAY[heap_blks_hit + toast_blks_hit, heap_blks_read + toast_blks_read] FROM pg_statio_user_tables"
    )
    assert (table.schema, table.name, index.name) == ("Схема", 'Мои "сообщения"', 'Мои "сообщения"_pkey')
    assert table.hit_share == hit / (hit + read) and table.blocks_read == read
    assert (table.hit_bytes, table.read_bytes) == (hit * 8192, read * 8192)
    assert index.hit_share is not None and 0 < index.hit_share <= 1


def test_the_totals_come_first(any_database: Database, reports: Database) -> None:
    filled(any_database, "a")
    filled(any_database, "b")
    database, tables, indexes, *each = cache_hit.shares(reports)
    assert [database.kind, tables.kind, indexes.kind] == ["database", "tables", "indexes"]
    assert database.name == any_database.value("SELECT current_database()")
    assert tables.hit_bytes == sum(row.hit_bytes for row in each if row.kind == "table")
    assert indexes.hit_bytes == sum(row.hit_bytes for row in each if row.kind == "index")
    assert len(cache_hit.shares(reports, limit=1)) == 4


def test_what_was_never_read_has_no_share(any_database: Database, reports: Database) -> None:
    any_database.execute("CREATE SCHEMA quiet")
    any_database.execute("CREATE TABLE quiet.t (id int)")
    assert [(row.kind, row.hit_share) for row in cache_hit.shares(reports, schema="quiet")] == [
        ("tables", None),
        ("indexes", None),
        ("table", None),
    ]


def test_what_was_read_from_outside_comes_first(any_database: Database, reports: Database) -> None:
    filled(any_database, "small", 10)
    filled(any_database, "large", 5000)
    each = [row for row in cache_hit.shares(reports) if row.kind in {"table", "index"}]
    assert [row.read_bytes for row in each] == sorted((row.read_bytes for row in each), reverse=True)


def test_it_says_since_when_it_counts_and_of_which_cache(any_database: Database, reports: Database) -> None:
    reading = cache_hit.shares(reports).reading or ""
    assert "Counted since 20" in reading and "operating system" in reading


def test_a_reset_begins_the_count(any_database: Database, reports: Database) -> None:
    filled(any_database)
    began = datetime.now().astimezone()
    any_database.value("SELECT pg_stat_reset()")
    told(any_database)
    assert counters.since(reports) >= began


def test_a_crash_begins_the_count_though_the_database_says_nothing_of_a_reset(cluster: Cluster) -> None:
    cluster.start()
    database = Database(cluster.url)
    filled(database)
    made = counters.since(database)
    crashed_at = datetime.now().astimezone()
    os.kill(database.value("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"), signal.SIGKILL)
    time.sleep(0.2)
    database.close()
    cluster.stop(signal.SIGQUIT).start()
    told(database)
    crash = counters.since(database)
    assert crash > crashed_at > made
    assert "messages" not in [row.name for row in cache_hit.shares(database) if row.read_bytes or row.hit_bytes]
    database.value("SELECT pg_stat_reset_shared('bgwriter')")  # one of the server's counters alone proves no crash
    told(database)
    assert counters.since(database) == crash
    database.close()
