"""A migration as SQL that psql runs."""

from contextlib import closing

import psycopg2
import pytest

from chatai_core import migrations
from chatai_core.adapters.postgres import Database
from chatai_core.errors import NotFound
from chatai_core.migrations import scripts
from tests.core.migrations.test_change import holding, schema

HEAD = scripts.chain()[-1].revision


def nobody() -> Database:
    raise AssertionError("No database is needed.")


def run(url: str, statements: list[str]) -> None:
    """All of it as one text, as ``psql -f`` sends it statement by statement."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("\n".join(statements))


def test_a_range_needs_no_database_and_does_what_the_migration_does(empty_database_url: str, database_url: str) -> None:
    run(empty_database_url, migrations.written("base:head", nobody))
    assert schema(empty_database_url) == schema(database_url)
    assert migrations.current(empty_database_url).is_head
    run(empty_database_url, migrations.written(f"{HEAD}:base", nobody))
    assert schema(empty_database_url) == []
    run(empty_database_url, migrations.written("base:0001", nobody))
    run(empty_database_url, migrations.written("0001:+1", nobody))
    assert migrations.check(empty_database_url).status == "ok"


def test_without_a_range_it_begins_where_the_database_is(database: Database, database_url: str) -> None:
    assert migrations.written("head", lambda: database) == []
    migrations.downgrade(database_url, "-1")
    run(database_url, migrations.written("head", lambda: database))
    assert migrations.current(database_url).is_head
    down = migrations.written("-1", lambda: database)
    assert any("DROP INDEX" in statement for statement in down)


def test_a_database_that_is_elsewhere_refuses_it(database_url: str, empty_database_url: str) -> None:
    before = schema(database_url)
    with pytest.raises(psycopg2.errors.RaiseException, match="The database is not at base"):
        run(database_url, migrations.written("base:head", nobody))
    with pytest.raises(psycopg2.errors.RaiseException, match=f"not at {HEAD}"):
        run(empty_database_url, migrations.written(f"{HEAD}:base", nobody))
    assert schema(database_url) == before


def test_it_keeps_to_the_lock(empty_database_url: str) -> None:
    with migrations.locked(empty_database_url), pytest.raises(psycopg2.errors.LockNotAvailable):
        run(empty_database_url, [one.replace("'3s'", "'50ms'") for one in migrations.written("base:head", nobody)])
    with holding(empty_database_url, "SELECT 1"):
        run(empty_database_url, migrations.written("base:head", nobody))


@pytest.mark.parametrize("wanted", ["zzz:head", "base:zzz", "zzz", ":head", "+99:head"])
def test_a_wrong_end_is_told_before_anything(wanted: str) -> None:
    with pytest.raises(NotFound):
        migrations.written(wanted, nobody)
