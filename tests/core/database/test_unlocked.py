"""Questions that nobody's lock holds up, also when it is taken while they are asked; and tables dropped meanwhile."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chatai_core.adapters.postgres import READ_ONLY, Database
from chatai_core.database import bloat, duplicate_indexes, indexes, size, snapshots, tables, unlocked, unused_indexes
from chatai_core.errors import Busy

SLOW = """
SELECT
    pg_sleep(%(seconds)s)::text,
    CASE WHEN 't'::regclass::oid = ANY (%(locked)s::oid[]) THEN NULL ELSE pg_relation_size('t') END AS size
"""


def test_a_lock_taken_meanwhile_is_seen_the_second_time(any_database: Database, reports: Database) -> None:
    any_database.execute("CREATE TABLE t AS SELECT 1")
    answered: list[dict[str, Any]] = []
    asking = threading.Thread(target=lambda: answered.extend(unlocked.rows(reports, dict, SLOW, seconds=0.3)))
    asking.start()
    time.sleep(0.1)
    with any_database.connection() as connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        asking.join()
    assert [row["size"] for row in answered] == [None]


def test_a_question_that_takes_too_long_is_asked_once(any_database: Database, any_url: str) -> None:
    any_database.execute("CREATE TABLE t AS SELECT 1")
    hurried = Database(any_url, settings=READ_ONLY | {"statement_timeout": "100ms"})
    with pytest.raises(Busy):
        unlocked.rows(hurried, dict, SLOW, seconds=5)
    assert hurried.cost.questions == 1, "which is who is locked"
    hurried.close()


class Meddled(Database):
    """Before its n-th question somebody drops what is asked about."""

    def __init__(self, url: str, before: int) -> None:
        super().__init__(url, settings=READ_ONLY)
        self.left = before

    def _ask(self, cursor: Any, sql: str, parameters: Any) -> None:
        self.left -= 1
        if self.left == 0:
            other = Database(self.url)
            other.execute("DROP TABLE t")
            other.close()
        super()._ask(cursor, sql, parameters)


REPORTS: dict[str, Callable[[Database, Path], object]] = {
    "size": size.measure,
    "tables": lambda database, _state: tables.largest(database),
    "indexes": lambda database, _state: indexes.every(database),
    "unused": lambda database, state: unused_indexes.judged(database, state, min_age_days=0),
    "duplicates": lambda database, _state: duplicate_indexes.found(database),
    "bloat": lambda database, _state: bloat.estimated(database),
    "snapshots": snapshots.take,
}


@pytest.mark.parametrize("report", REPORTS)
def test_a_table_dropped_between_two_questions_fails_no_report(
    any_database: Database, any_url: str, tmp_path: Path, report: str
) -> None:
    for before in range(1, 20):
        any_database.execute("CREATE TABLE t AS SELECT g AS a FROM generate_series(1, 5000) AS g")
        any_database.execute("CREATE INDEX i ON t (a); CREATE INDEX j ON t ((a + 1)); CREATE INDEX k ON t (a)")
        meddled = Meddled(any_url, before)
        REPORTS[report](meddled, tmp_path)
        meddled.close()
        if meddled.left > 0:
            break
        any_database.execute("SELECT 1")
    assert before > 2
