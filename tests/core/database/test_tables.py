"""The tables report: what PostgreSQL itself says, for odd names, partitions and tables never analyzed."""

from chatai_core.adapters.postgres import Database
from chatai_core.database import tables


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
