"""The tables report: what PostgreSQL itself says, for odd names, partitions and tables never analyzed."""

import threading
import time

import pytest

from chatai_core.adapters.postgres import Connection, Database
from chatai_core.database import tables
from chatai_core.errors import NotFound
from tests.core.database.roles import seen_by_a_role
from tests.core.database.vectors import with_vectors


def test_sizes_add_up_to_what_postgresql_says(any_database: Database) -> None:
    any_database.execute("""CREATE TABLE "Odd ""Name" (id int PRIMARY KEY, t text)""")
    any_database.execute(
        """INSERT INTO "Odd ""Name" SELECT g, repeat(md5(g::text), 300) FROM generate_series(1, 500) g"""
    )
    any_database.execute("""ALTER TABLE "Odd ""Name" ALTER t SET STORAGE EXTERNAL""")
    any_database.execute("""UPDATE "Odd ""Name" SET t = t || '.'""")
    row = next(t for t in tables.largest(any_database) if t.table == 'Odd "Name')
    expected = any_database.value("""SELECT pg_total_relation_size('"Odd ""Name"')""")
    assert row.total_bytes == expected
    assert row.table_bytes + row.index_bytes + row.toast_bytes == expected
    assert row.toast_bytes > 1_000_000


def test_a_table_never_analyzed_has_no_estimate_rather_than_zero(any_database: Database) -> None:
    any_database.execute("CREATE TABLE fresh AS SELECT 1")
    assert next(t for t in tables.largest(any_database) if t.table == "fresh").rows_estimate is None
    any_database.execute("ANALYZE fresh")
    assert next(t for t in tables.largest(any_database) if t.table == "fresh").rows_estimate == 1


def test_partitions_count_in_their_table(any_database: Database) -> None:
    any_database.execute("CREATE TABLE p (a int) PARTITION BY RANGE (a)")
    any_database.execute("CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)")
    any_database.execute("CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20)")
    any_database.execute("INSERT INTO p SELECT g %% 20 FROM generate_series(1, 5000) g")
    any_database.execute("ANALYZE p")
    names = {t.table: t for t in tables.largest(any_database)}
    assert "p1" not in names
    assert names["p"].rows_estimate == 5000
    assert names["p"].total_bytes == any_database.value(
        "SELECT pg_total_relation_size('p1') + pg_total_relation_size('p2')"
    )


def test_the_largest_comes_first_and_the_limit_holds(any_database: Database) -> None:
    for number in range(1, 6):
        any_database.execute(f"CREATE TABLE t{number} AS SELECT generate_series(1, {number * 1000})")
    rows = tables.largest(any_database, limit=3)
    assert len(rows) == 3
    assert [r.total_bytes for r in rows] == sorted((r.total_bytes for r in rows), reverse=True)


def test_one_schema_alone(any_database: Database) -> None:
    any_database.execute('CREATE SCHEMA "Схема"')
    any_database.execute('CREATE TABLE "Схема".t (a int)')
    assert [t.table for t in tables.largest(any_database, schema="Схема")] == ["t"]


def test_a_partition_in_another_schema_counts_where_its_table_is(any_database: Database) -> None:
    any_database.execute("CREATE SCHEMA archive; CREATE TABLE p (a int) PARTITION BY RANGE (a)")
    any_database.execute("CREATE TABLE archive.p1 PARTITION OF p FOR VALUES FROM (0) TO (10)")
    any_database.execute("INSERT INTO p VALUES (1)")
    assert tables.largest(any_database, schema="archive") == []
    (table,) = tables.largest(any_database, schema="public")
    assert (table.kind, table.partitions, table.total_bytes) == ("partitioned table", 1, 8192)


def test_a_locked_table_is_shown_without_its_size_and_named(any_database: Database, reports: Database) -> None:
    any_database.execute('CREATE TABLE "Locked" AS SELECT 1; CREATE TABLE free AS SELECT 1')
    with any_database.connection() as connection, connection.cursor() as cursor:
        cursor.execute('LOCK TABLE "Locked" IN ACCESS EXCLUSIVE MODE')
        found = tables.largest(reports)
    assert [(t.table, t.total_bytes) for t in found] == [("free", 8192), ("Locked", None)]
    assert found.reading == 'Locked by another session, so that it could not be measured: "public"."Locked".'


def test_one_locked_partition_makes_the_size_of_the_whole_unknown(any_database: Database, reports: Database) -> None:
    any_database.execute("CREATE TABLE p (a int) PARTITION BY RANGE (a)")
    any_database.execute("CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)")
    any_database.execute("CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20)")
    with any_database.connection() as connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLE p2 IN ACCESS EXCLUSIVE MODE")
        (found,) = tables.largest(reports)
    assert (found.table, found.table_bytes, found.total_bytes) == ("p", None, None)


def test_an_index_being_rebuilt_leaves_the_size_of_its_table(any_database: Database, reports: Database) -> None:
    any_database.execute("CREATE TABLE t (a int PRIMARY KEY)")
    with any_database.connection() as connection, connection.cursor() as cursor:
        cursor.execute("REINDEX INDEX t_pkey")
        (found,) = tables.largest(reports)
    assert (found.table_bytes, found.index_bytes, found.total_bytes) == (0, None, None)


def test_who_waits_for_a_table_locks_it_too(any_database: Database, reports: Database, any_url: str) -> None:
    """A queued exclusive lock stops those who come after it, also a measuring function."""
    any_database.execute("CREATE TABLE t AS SELECT 1")
    other = Database(any_url)
    with any_database.connection() as connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLE t IN ACCESS SHARE MODE")
        with other.connection() as waiting:
            waiting.autocommit = False
            pid = waiting.info.backend_pid
            thread = threading.Thread(target=_drop, args=(waiting,))
            thread.start()
            while not reports.value("SELECT true FROM pg_locks WHERE pid = %(pid)s AND NOT granted", pid=pid):
                time.sleep(0.01)
            (found,) = tables.largest(reports)
            connection.rollback()
            thread.join()
            waiting.rollback()
    other.close()
    assert found.total_bytes is None


def _drop(connection: Connection) -> None:
    connection.cursor().execute("DROP TABLE t")


def test_a_materialized_view_is_a_table_and_temporary_ones_are_not_shown(any_database: Database, any_url: str) -> None:
    any_database.execute("CREATE MATERIALIZED VIEW v AS SELECT generate_series(1, 1000) AS a")
    other = Database(any_url)
    other.execute("CREATE TEMPORARY TABLE passing AS SELECT 1")
    assert [(t.table, t.kind) for t in tables.largest(any_database)] == [("v", "materialized view")]
    other.close()


def test_an_unlogged_table_is_measured_with_its_empty_copy(any_database: Database) -> None:
    any_database.execute("CREATE UNLOGGED TABLE u (a int PRIMARY KEY, b text); INSERT INTO u VALUES (1, 'x')")
    (found,) = tables.largest(any_database)
    assert found.total_bytes == any_database.value("SELECT pg_total_relation_size('u')")


def test_a_database_without_tables_has_none(reports: Database) -> None:
    found = tables.largest(reports)
    assert found == []
    assert found.reading is None


def test_names_and_sizes_choose(any_database: Database) -> None:
    any_database.execute("CREATE TABLE small AS SELECT 1; CREATE TABLE large AS SELECT generate_series(1, 5000)")
    assert [t.table for t in tables.largest(any_database, names=["small"])] == ["small"]
    assert [t.table for t in tables.largest(any_database, least_bytes=100_000)] == ["large"]
    with pytest.raises(NotFound, match="There is no smal in this database"):
        tables.largest(any_database, names=["smal"])


def test_a_role_without_any_right_sees_all_sizes(any_database: Database) -> None:
    any_database.execute("CREATE SCHEMA secret; CREATE TABLE secret.t AS SELECT generate_series(1, 5000)")
    with seen_by_a_role(any_database) as seen:
        (found,) = tables.largest(seen)
        assert (found.total_bytes or 0) > 100_000


def test_vectors_are_named_with_their_dimensions_and_their_indexes_measured(any_database: Database) -> None:
    with_vectors(any_database)
    any_database.execute("CREATE TABLE plain AS SELECT 1")
    found = {t.table: t for t in tables.largest(any_database)}
    assert found["plain"].vector_columns == []
    assert found["plain"].vector_index_bytes == 0
    assert found["Chunks"].vector_columns == ["embedding vector(3)", "half halfvec(3)"]
    assert found["Chunks"].vector_index_bytes == any_database.value("SELECT pg_table_size('chunks_hnsw')")
    assert (found["Chunks"].index_bytes or 0) > (found["Chunks"].vector_index_bytes or 0)
