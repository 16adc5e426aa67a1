"""The indexes report: every index by its true name, with its state and its counters."""

import pytest

from chatai_core.adapters.postgres import Database
from chatai_core.database import indexes
from chatai_core.database.indexes import Index
from tests.core.database.builds import building, leave_invalid
from tests.core.database.roles import seen_by_a_role
from tests.core.database.vectors import with_vectors


def by_name(found: list[Index]) -> dict[str, Index]:
    return {index.index: index for index in found}


def test_names_are_raw_and_definitions_postgresqls_own(any_database: Database, reports: Database) -> None:
    any_database.execute('CREATE SCHEMA "Мои данные"; CREATE TABLE "Мои данные"."Table ""1" (a int, "B" text)')
    any_database.execute('CREATE INDEX "Индекс" ON "Мои данные"."Table ""1" (lower("B"), a DESC) WHERE a > 0')
    (found,) = indexes.every(reports)
    assert (found.schema, found.table, found.index) == ("Мои данные", 'Table "1', "Индекс")
    assert (found.method, found.state, found.scans) == ("btree", "valid", 0)
    assert found.columns == ['lower("B")', "a"]
    assert found.definition == (
        'CREATE INDEX "Индекс" ON "Мои данные"."Table ""1" USING btree (lower("B"), a DESC) WHERE (a > 0)'
    )
    assert found.is_partial
    assert found.has_expressions
    assert found.size_bytes == any_database.value("""SELECT pg_indexes_size('"Мои данные"."Table ""1"')""")


def test_what_backs_a_constraint_says_so(any_database: Database) -> None:
    any_database.execute("""
        CREATE TABLE t (
            id int PRIMARY KEY, email text UNIQUE DEFERRABLE INITIALLY DEFERRED, span int4range,
            EXCLUDE USING gist (span WITH &&)
        );
        CREATE UNIQUE INDEX by_hand ON t (lower(email))
    """)
    found = by_name(indexes.every(any_database))
    assert {index.index: index.constraint for index in found.values()} == {
        "t_pkey": "t_pkey", "t_email_key": "t_email_key", "t_span_excl": "t_span_excl", "by_hand": None,
    }  # fmt: skip
    assert [index.index for index in found.values() if index.is_primary] == ["t_pkey"]
    assert {index.index for index in found.values() if index.is_unique} == {"t_pkey", "t_email_key", "by_hand"}
    assert found["t_span_excl"].method == "gist"


def test_a_scan_is_counted_and_its_time_is_known_where_postgresql_knows_it(any_database: Database) -> None:
    any_database.execute("CREATE TABLE t AS SELECT generate_series(1, 1000) AS a; CREATE INDEX i ON t (a)")
    with any_database.connection() as connection, connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SELECT * FROM t WHERE a = -1")
    any_database.value("SELECT pg_stat_force_next_flush()")
    (found,) = indexes.every(any_database)
    assert found.scans == 1, "although it found no row"
    knows = any_database.value("SELECT current_setting('server_version_num')::int >= 160000")
    assert (found.last_scan is not None) == knows


def test_a_build_is_told_from_what_it_left(any_database: Database, reports: Database, any_url: str) -> None:
    any_database.execute("CREATE TABLE t AS SELECT generate_series(1, 1000) AS a; CREATE INDEX good ON t (a)")
    with building(any_url, "t", 'CREATE INDEX CONCURRENTLY "Bad" ON t (a)'):
        found = by_name(indexes.every(reports))
        assert found["Bad"].state == "being built"
        assert (found["Bad"].progress or "").startswith("waiting for writers before")
        with seen_by_a_role(any_database) as seen:
            (unsure,) = indexes.every(seen, invalid=True)
            assert unsure.state == "being built or invalid"
    (left,) = indexes.every(reports, invalid=True)
    assert (left.index, left.state, left.progress) == ("Bad", "invalid", None)


def test_what_a_cancelled_reindex_leaves_is_invalid(any_database: Database, reports: Database, any_url: str) -> None:
    any_database.execute("CREATE TABLE t AS SELECT generate_series(1, 1000) AS a; CREATE INDEX i ON t (a)")
    leave_invalid(any_url, "t", "REINDEX INDEX CONCURRENTLY i")
    assert [(index.index, index.state) for index in indexes.every(reports, invalid=True)] == [("i_ccnew", "invalid")]


def test_indexes_of_partitions_count_in_their_tables(any_database: Database) -> None:
    any_database.execute("CREATE TABLE p (a int) PARTITION BY RANGE (a)")
    any_database.execute("CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)")
    any_database.execute("CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20)")
    any_database.execute("CREATE INDEX whole ON p (a); INSERT INTO p SELECT g %% 20 FROM generate_series(1, 5000) g")
    (found,) = indexes.every(any_database)
    assert (found.index, found.partitions, found.state) == ("whole", 2, "valid")
    assert found.size_bytes == any_database.value("SELECT pg_indexes_size('p1') + pg_indexes_size('p2')")


def test_a_partitioned_index_that_a_partition_lacks_is_incomplete(any_database: Database) -> None:
    any_database.execute("CREATE TABLE p (a int) PARTITION BY RANGE (a)")
    any_database.execute("CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)")
    any_database.execute("CREATE INDEX whole ON ONLY p (a)")
    (found,) = indexes.every(any_database, invalid=True)
    assert (found.index, found.state, found.size_bytes) == ("whole", "incomplete", 0)


def test_a_locked_index_is_shown_without_its_size(any_database: Database, reports: Database) -> None:
    any_database.execute('CREATE TABLE "T" AS SELECT 1 AS a; CREATE INDEX "I" ON "T" ((a + 1))')
    with any_database.connection() as connection, connection.cursor() as cursor:
        cursor.execute('REINDEX INDEX "I"')
        found = indexes.every(reports)
    assert [(index.index, index.size_bytes, index.definition) for index in found] == [("I", None, None)]
    assert (found.reading or "").endswith('could not be measured: "public"."I".')


def test_a_locked_table_keeps_its_definitions_from_being_read_and_nothing_waits(
    any_database: Database, reports: Database
) -> None:
    any_database.execute('CREATE TABLE "T" AS SELECT 1 AS a; CREATE INDEX "I" ON "T" ((a + 1)) WHERE a > 0')
    with any_database.connection() as connection, connection.cursor() as cursor:
        cursor.execute('LOCK TABLE "T" IN ACCESS EXCLUSIVE MODE')
        (found,) = indexes.every(reports)
    assert (found.size_bytes, found.definition, found.columns) == (16384, None, [])


def test_filters(any_database: Database) -> None:
    any_database.execute(
        "CREATE SCHEMA s; CREATE TABLE s.one (a int PRIMARY KEY); CREATE TABLE two (a int PRIMARY KEY)"
    )
    any_database.execute("INSERT INTO two SELECT generate_series(1, 10000)")
    assert [index.index for index in indexes.every(any_database, schema="s")] == ["one_pkey"]
    assert [index.index for index in indexes.every(any_database, names=["two"])] == ["two_pkey"]
    assert [index.index for index in indexes.every(any_database, limit=1)] == ["two_pkey"]
    assert [index.index for index in indexes.every(any_database, least_bytes=100_000)] == ["two_pkey"]


def test_the_age_of_the_counters_is_told_beside_them(reports: Database) -> None:
    found = indexes.every(reports)
    assert found == []
    assert (found.reading or "").startswith("Counted since ")


def test_an_hnsw_index_shows_its_options(any_database: Database) -> None:
    with_vectors(any_database)
    any_database.execute(
        'CREATE INDEX chunks_lists ON "Chunks" USING ivfflat (embedding vector_l2_ops) WITH (lists = 4)'
    )
    found = by_name(indexes.every(any_database))
    assert found["chunks_hnsw"].method == "hnsw"
    assert found["chunks_hnsw"].options == {"m": "8", "ef_construction": "32"}
    assert found["chunks_lists"].options == {"lists": "4"}
    assert "public.vector_cosine_ops" in (found["chunks_hnsw"].definition or "")


@pytest.mark.parametrize("storage", ["fillfactor = 70", "deduplicate_items = off"])
def test_options_of_a_btree(any_database: Database, storage: str) -> None:
    any_database.execute(f"CREATE TABLE t (a int); CREATE INDEX i ON t (a) WITH ({storage})")
    (found,) = indexes.every(any_database)
    name, value = storage.split(" = ")
    assert found.options == {name: value}
