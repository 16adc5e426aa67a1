"""Extensions and collations: versions as the catalogue has them, and the statements that repair what is outdated."""

from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest

from chatai_core.adapters.postgres import READ_ONLY, Database
from chatai_core.database import extensions
from chatai_core.plans import Explained
from tests.core.database.roles import seen_by_a_role
from tests.servers.databases import PostgreSQL


def provider(database: Database) -> str:
    """A provider of versioned collations that this server has."""
    with_icu = database.value("SELECT count(*) > 5 FROM pg_collation WHERE collprovider = 'i'")
    return "icu" if with_icu else "builtin"


def collation(database: Database, name: str = '"Мой порядок"') -> None:
    kind = provider(database)
    locale = "ru" if kind == "icu" else "C.UTF-8"
    database.execute(f"CREATE COLLATION {name} (provider = {kind}, locale = '{locale}')")


def outdate(database: Database, name: str) -> None:
    database.execute("UPDATE pg_collation SET collversion = '1.0.1' WHERE collname = %(name)s", name=name)


def the(database: Database, name: str) -> extensions.Dependency:
    return next(row for row in extensions.dependencies(database) if row.name == name)


def run_alone(database: Database, statement: str) -> None:
    """As psql runs it: in no transaction of ours."""
    with closing(psycopg2.connect(database.url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(statement)


@pytest.fixture
def versioned(server: PostgreSQL) -> Iterator[Database]:
    """A database whose own collation has a version."""
    admin = Database(server.url("postgres"))
    kind = provider(admin)
    admin.close()
    locale = "ICU_LOCALE 'en'" if kind == "icu" else "BUILTIN_LOCALE 'C.UTF-8'"
    server.execute(f"CREATE DATABASE {{}} TEMPLATE template0 LOCALE_PROVIDER {kind} {locale}", "Порядок")
    database = Database(server.url("Порядок"))
    yield database
    database.close()
    server.execute("DROP DATABASE {} WITH (FORCE)", "Порядок")


def test_an_installed_extension_has_its_versions(any_database: Database, reports: Database) -> None:
    any_database.execute('CREATE SCHEMA "Схема"')
    any_database.execute('CREATE EXTENSION pg_stat_statements SCHEMA "Схема"')
    row, expected = (
        the(reports, "pg_stat_statements"),
        "SELECT extversion FROM pg_extension WHERE extname LIKE 'pg_s%%'",
    )
    assert (row.kind, row.schema, row.version) == ("extension", "Схема", any_database.value(expected))
    assert (row.version, row.outdated, row.repair) == (row.available, False, [])
    assert (row.trusted, row.needs_superuser, row.relocatable) == (False, True, True)
    assert (the(reports, "plpgsql").trusted, the(reports, "plpgsql").relocatable) == (True, False)
    assert extensions.dependencies(reports).reading is None


def test_an_outdated_extension_comes_first_with_its_update(any_database: Database, reports: Database) -> None:
    any_database.execute("CREATE EXTENSION pg_stat_statements VERSION '1.8'")
    rows = extensions.dependencies(reports)
    assert (rows[0].name, rows[0].version, rows[0].outdated) == ("pg_stat_statements", "1.8", True)
    assert rows[0].repair == ["ALTER EXTENSION pg_stat_statements UPDATE"]
    assert "ALTER EXTENSION pg_stat_statements UPDATE;" in (rows.reading or "")


def test_an_extension_that_the_server_no_longer_has_is_named(any_database: Database, reports: Database) -> None:
    any_database.execute("UPDATE pg_extension SET extname = 'Ушло' WHERE extname = 'plpgsql'")
    row = the(reports, "Ушло")
    assert (row.available, row.outdated, row.repair) == (None, True, [])
    assert "Ушло" in (extensions.dependencies(reports).reading or "")


def test_a_collation_that_fits_is_not_outdated(any_database: Database, reports: Database) -> None:
    collation(any_database)
    row = the(reports, "Мой порядок")
    assert (row.kind, row.schema, row.outdated, row.repair, row.indexes) == ("collation", "public", False, [], 0)
    assert row.version == row.available


def test_an_outdated_collation_has_its_indexes_rebuilt_first(any_database: Database, reports: Database) -> None:
    collation(any_database)
    any_database.execute('CREATE TABLE "Т" (a text COLLATE "Мой порядок" PRIMARY KEY, b text COLLATE "C", c int)')
    any_database.execute('CREATE INDEX "по b" ON "Т" (b)')
    any_database.execute('CREATE INDEX both_columns ON "Т" (a, b COLLATE "Мой порядок", lower(a))')
    any_database.execute(
        'CREATE TABLE x (a text COLLATE "Мой порядок", CONSTRAINT never_twice EXCLUDE USING btree (a WITH =))'
    )
    outdate(any_database, "Мой порядок")
    row = the(reports, "Мой порядок")
    assert (row.version, row.outdated, row.indexes) == ("1.0.1", True, 3)
    assert row.repair == [
        'REINDEX INDEX CONCURRENTLY public."Т_pkey"',
        "REINDEX INDEX CONCURRENTLY public.both_columns",
        "REINDEX INDEX public.never_twice",  # an exclusion constraint's cannot be rebuilt beside its use
        'ALTER COLLATION public."Мой порядок" REFRESH VERSION',
    ]
    for statement in row.repair:
        run_alone(any_database, statement)
    assert not the(reports, "Мой порядок").outdated


def test_a_databases_own_outdated_collation_is_found_and_repaired(versioned: Database) -> None:
    versioned.execute("CREATE TABLE t (a text PRIMARY KEY, n int UNIQUE)")
    name = versioned.value("SELECT current_database()")
    reports = Database(versioned.url, settings=READ_ONLY)
    assert (the(reports, name).kind, the(reports, name).outdated) == ("database", False)
    versioned.execute("UPDATE pg_database SET datcollversion = '0.9' WHERE datname = current_database()")
    row = the(reports, name)
    assert (row.version, row.outdated, row.indexes) == ("0.9", True, 1)
    assert row.repair == [
        "REINDEX INDEX CONCURRENTLY public.t_pkey",
        'ALTER DATABASE "Порядок" REFRESH COLLATION VERSION',
    ]
    for statement in row.repair:
        run_alone(versioned, statement)
    assert not the(reports, name).outdated
    reports.close()


def test_many_statements_are_counted(any_database: Database, reports: Database) -> None:
    collation(any_database)
    for number in range(9):
        any_database.execute(f'CREATE TABLE t{number} (a text COLLATE "Мой порядок" UNIQUE)')
    outdate(any_database, "Мой порядок")
    assert "5 more statements" in (extensions.dependencies(reports).reading or "")


def test_any_role_may_ask(any_database: Database) -> None:
    with seen_by_a_role(any_database) as plain:
        assert the(plain, "plpgsql").available


def test_explaining_shows_both_questions(any_database: Database) -> None:
    explained: list[str] = []
    database = Database(any_database.url, settings=READ_ONLY, explained=explained)
    with pytest.raises(Explained):
        extensions.dependencies(database)
    assert [text.partition("\n")[0][:8] for text in explained] == ["-- Which", "-- By wh"]
    database.close()
