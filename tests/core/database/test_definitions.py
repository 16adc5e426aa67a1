"""What drops an index, and what makes exactly the same one again."""

import uuid
from collections.abc import Sequence
from typing import Any

import pytest

from chatai_core.adapters.postgres import Database
from chatai_core.database import definitions
from tests.core.database.builds import typed
from tests.core.database.vectors import with_vectors

STATE = """
SELECT c.relname, pg_get_indexdef(c.oid), obj_description(c.oid, 'pg_class'), c.reltablespace, i.indisvalid,
       (SELECT array_agg(a.attstattarget ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = c.oid),
       (SELECT inhparent::regclass::text FROM pg_inherits h WHERE h.inhrelid = c.oid)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE c.relname IN (SELECT unnest(%(names)s)) ORDER BY 1
"""


def state(database: Database, names: Sequence[str]) -> list[Any]:
    with database.connection() as connection, connection.cursor() as cursor:
        cursor.execute(STATE, {"names": list(names)})
        return cursor.fetchall()


def undone_is_the_same(database: Database, index: str, *parts: str) -> definitions.Definition:
    """Drop the index and make it again, with the statements that we tell; nothing may have changed."""
    oid = database.value("SELECT oid::bigint FROM pg_class WHERE relname = %(index)s", index=index)
    before = state(database, [index, *parts])
    assert before != []
    made = definitions.of(database, [oid])[oid]
    typed(database.url, made.drop_sql)
    assert state(database, [index, *parts]) == []
    typed(database.url, *made.undo_sql.removesuffix(";").split(";\n"))
    assert state(database, [index, *parts]) == before
    return made


@pytest.mark.parametrize(
    "made",
    [
        "(a)",
        '(lower("B") COLLATE "C" text_pattern_ops DESC NULLS LAST) INCLUDE (a)',
        "(a) WITH (fillfactor = 70) WHERE \"B\" <> '; x'",
        "USING gin (tags) WITH (fastupdate = off)",
        "USING brin (a) WITH (pages_per_range = 4)",
        'USING hash ("B")',
        '(odd."Twice"(a)) WHERE odd."Twice"(a) > 4',
    ],
)
def test_an_index_is_made_again_as_it_was(any_database: Database, made: str) -> None:
    any_database.execute('CREATE SCHEMA odd; CREATE TABLE odd."Т" (a int, "B" text, tags int[])')
    any_database.execute("CREATE FUNCTION odd.\"Twice\"(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 * 2'")
    any_database.execute(f'CREATE INDEX "Индекс 1" ON odd."Т" {made}')
    any_database.execute("""COMMENT ON INDEX odd."Индекс 1" IS 'It''s a \\ comment'""")
    found = undone_is_the_same(any_database, "Индекс 1")
    assert found.drop_sql == 'DROP INDEX CONCURRENTLY odd."Индекс 1";'
    assert found.undo_sql.startswith('CREATE INDEX CONCURRENTLY "Индекс 1" ON odd."Т" USING ')


def test_a_unique_index_with_statistics_of_an_expression(any_database: Database) -> None:
    any_database.execute("CREATE TABLE t (a int, b int); CREATE UNIQUE INDEX i ON t (a, (a + b))")
    any_database.execute("ALTER INDEX i ALTER COLUMN 2 SET STATISTICS 500")
    found = undone_is_the_same(any_database, "i")
    assert found.columns == ["a", "(a + b)"]
    assert "CREATE UNIQUE INDEX CONCURRENTLY" in found.undo_sql
    assert "ALTER COLUMN 2 SET STATISTICS 500" in found.undo_sql


def test_an_index_goes_back_to_its_tablespace(any_database: Database) -> None:
    name = f"Space {uuid.uuid4().hex[:8]}"
    typed(any_database.url, "SET allow_in_place_tablespaces = on", f"""CREATE TABLESPACE "{name}" LOCATION ''""")
    try:
        any_database.execute(f'CREATE TABLE t (a int); CREATE INDEX i ON t (a) TABLESPACE "{name}" WHERE a > 0')
        assert f'TABLESPACE "{name}" WHERE (a > 0);' in undone_is_the_same(any_database, "i").undo_sql
    finally:
        any_database.execute("DROP TABLE t")
        typed(any_database.url, f'DROP TABLESPACE "{name}"')


def test_a_partitioned_index_is_put_together_of_its_parts(any_database: Database) -> None:
    any_database.execute("""
        CREATE SCHEMA s; CREATE TABLE p (a int, b int) PARTITION BY RANGE (a);
        CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
        CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (b);
        CREATE TABLE s.p3 PARTITION OF p2 FOR VALUES FROM (0) TO (10);
        CREATE INDEX whole ON p (a, b) WITH (fillfactor = 80);
        COMMENT ON INDEX p1_a_b_idx IS 'of a part'
    """)
    found = undone_is_the_same(any_database, "whole", "p1_a_b_idx", "p2_a_b_idx", "p3_a_b_idx")
    assert found.drop_sql == "DROP INDEX public.whole;", "PostgreSQL knows no CONCURRENTLY here"
    assert found.undo_sql.count("CONCURRENTLY") == 2


def test_a_vector_index_is_made_again(any_database: Database) -> None:
    with_vectors(any_database)
    assert "public.vector_cosine_ops" in undone_is_the_same(any_database, "chunks_hnsw").undo_sql


def test_what_is_locked_or_gone_has_none(any_database: Database, reports: Database) -> None:
    any_database.execute("CREATE TABLE t (a int); CREATE INDEX i ON t ((a + 1))")
    oid = any_database.value("SELECT 'i'::regclass::oid::bigint")
    with any_database.connection() as connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        assert definitions.of(reports, [oid]) == {}
    any_database.execute("DROP INDEX i")
    assert definitions.of(reports, [oid]) == {}
    assert definitions.of(reports, []) == {}


def test_the_session_keeps_its_search_path(any_database: Database) -> None:
    any_database.execute("CREATE TABLE t (a int PRIMARY KEY)")
    definitions.of(any_database, [any_database.value("SELECT 't_pkey'::regclass::oid::bigint")])
    assert any_database.value("SHOW search_path") == '"$user", public'
