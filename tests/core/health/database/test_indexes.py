"""Checks of indexes: broken ones, those that nothing uses, those that repeat others."""

import psycopg2
import pytest

from chatai_core.adapters.postgres import Database
from chatai_core.health.database import indexes
from tests.core.health.database.conftest import Looking


@pytest.fixture
def filled(any_database: Database) -> Database:
    any_database.execute("CREATE TABLE t AS SELECT g AS id, g %% 10 AS a FROM generate_series(1, 5000) g")
    return any_database


def test_an_index_that_a_failed_build_has_left_is_a_warning(looking: Looking, filled: Database) -> None:
    assert indexes.invalid(looking()).status == "ok"
    connection = psycopg2.connect(filled.url)
    connection.autocommit = True
    with connection.cursor() as cursor, pytest.raises(psycopg2.errors.UniqueViolation):
        cursor.execute("CREATE UNIQUE INDEX CONCURRENTLY broken ON t (a)")
    connection.close()
    found = indexes.invalid(looking())
    assert (found.status, found.remedy) == ("warning", "chatai db indexes --invalid")
    assert "broken" in found.summary


def test_an_index_that_repeats_another_is_a_warning_from_a_size_on(looking: Looking, filled: Database) -> None:
    filled.execute("CREATE INDEX first ON t (id)")
    filled.execute("CREATE INDEX second ON t (id)")
    assert indexes.duplicate(looking()).status == "ok"
    found = indexes.duplicate(looking(unused_bytes=1))
    assert (found.status, found.remedy) == ("warning", "chatai db duplicate-indexes")
    assert len(found.evidence["indexes"]) == 1


def test_unused_is_said_only_when_it_is_proved(looking: Looking, filled: Database) -> None:
    filled.execute("CREATE INDEX lonely ON t (id)")
    assert indexes.unused(looking(unused_bytes=1)).status == "ok"
    found = indexes.unused(looking(unused_bytes=1, unused_days=0))
    assert (found.status, found.remedy) == ("warning", "chatai db unused-indexes")
