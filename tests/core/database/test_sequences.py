"""Sequences: the narrowest column decides, in both directions; what is not known is said to be unknown."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2
import pytest

from chatai_core.adapters.postgres import READ_ONLY, Database
from chatai_core.database import sequences
from tests.core.database.roles import seen_by_a_role

MOST_INT, MOST_BIGINT = 2**31 - 1, 2**63 - 1


@dataclass(frozen=True, slots=True)
class Then:
    """What a snapshot says of before."""

    taken_at: datetime
    sequences: Mapping[int, int] = field(default_factory=dict)


def then(days: float, **values: int) -> Then:
    return Then(datetime.now(UTC) - timedelta(days=days), {int(oid[1:]): value for oid, value in values.items()})


def the(database: Database, name: str = "s", **options: Any) -> sequences.Sequence:
    return next(row for row in sequences.used(database, **options) if row.sequence == name)


def oid(database: Database, name: str) -> int:
    return int(database.value("SELECT %(name)s::regclass::oid::bigint", name=name))


@pytest.mark.parametrize(
    ("column", "name"),
    [("serial", "t_id_seq"), ("int GENERATED ALWAYS AS IDENTITY", "t_id_seq"), ("int DEFAULT nextval('s')", "s")],
)
def test_an_int_column_ends_sooner_than_the_bigint_sequence_that_fills_it(
    any_database: Database, reports: Database, column: str, name: str
) -> None:
    any_database.execute("CREATE SEQUENCE s AS bigint")
    any_database.execute(f"CREATE TABLE t (id {column})")
    any_database.execute(f"ALTER SEQUENCE {name} AS bigint MAXVALUE {MOST_BIGINT}")
    any_database.value(f"SELECT setval('{name}', 2000000000)")
    row = the(reports, name)
    assert (row.table_schema, row.table, row.column, row.type) == ("public", "t", "id", "integer")
    assert (row.last_value, row.limit, row.remaining) == (2000000000, MOST_INT, MOST_INT - 2000000000)
    assert row.used_share == pytest.approx(0.9313, abs=1e-4)


def test_a_narrower_column_that_refers_to_it_decides(any_database: Database, reports: Database) -> None:
    any_database.execute("CREATE TABLE users (id bigserial PRIMARY KEY)")
    any_database.execute("CREATE TABLE orders (id bigserial PRIMARY KEY, user_id int REFERENCES users)")
    any_database.value("SELECT setval('users_id_seq', 1073741824)")
    row = the(reports, "users_id_seq")
    assert (row.table, row.column, row.limit) == ("orders", "user_id", MOST_INT)
    assert row.used_share == pytest.approx(0.5)
    assert the(reports, "orders_id_seq").limit == MOST_BIGINT


def test_a_domain_is_as_narrow_as_its_type(any_database: Database, reports: Database) -> None:
    any_database.execute("CREATE DOMAIN small AS smallint")
    any_database.execute("CREATE SEQUENCE s")
    any_database.execute("CREATE TABLE t (id small DEFAULT nextval('s'))")
    assert (the(reports).type, the(reports).limit) == ("smallint", 2**15 - 1)


def test_a_sequence_without_a_column_has_its_own_end(any_database: Database, reports: Database) -> None:
    any_database.execute("CREATE SEQUENCE s MAXVALUE 1000")
    any_database.value("SELECT setval('s', 750)")
    row = the(reports)
    assert (row.table, row.column, row.limit, row.used_share, row.remaining) == (None, None, 1000, 0.75, 250)


def test_a_descending_sequence_runs_out_below(any_database: Database, reports: Database) -> None:
    any_database.execute("CREATE SEQUENCE s INCREMENT -1")
    any_database.execute("CREATE TABLE t (id int DEFAULT nextval('s'))")
    any_database.value("SELECT setval('s', -2000000000)")
    row = the(reports)
    assert (row.limit, row.increment, row.remaining) == (-(2**31), -1, 2**31 - 2000000000)
    assert row.used_share == pytest.approx(0.9313, abs=1e-4)


def test_numbers_from_the_lowest_on_and_in_steps(any_database: Database, reports: Database) -> None:
    any_database.execute("CREATE SEQUENCE s AS int MINVALUE -2147483648 START -2147483648 INCREMENT 10")
    any_database.value("SELECT setval('s', -1)")
    row = the(reports)
    assert row.used_share == pytest.approx(0.5)
    assert row.remaining == 2**31 // 10


def test_one_that_was_never_used_has_no_last_value_and_nothing_used(any_database: Database, reports: Database) -> None:
    any_database.execute("CREATE SEQUENCE s AS smallint")
    row = the(reports)
    assert (row.last_value, row.used_share, row.remaining, row.state) == (None, 0, 2**15 - 1, "unused")


def test_one_that_cycles_is_marked_and_comes_last(any_database: Database, reports: Database) -> None:
    any_database.execute("CREATE SEQUENCE s MAXVALUE 10 CYCLE")
    any_database.execute("CREATE SEQUENCE calm MAXVALUE 10")
    any_database.execute("CREATE SEQUENCE full_before AS bigint CYCLE")
    any_database.execute("CREATE TABLE t (id int DEFAULT nextval('full_before'))")
    any_database.value("SELECT setval('s', 10)")
    rows = sequences.used(reports, then(10, **{f"_{oid(any_database, 's')}": 1}))
    assert (rows[-1].sequence, rows[-1].cycles, rows[-1].used_share, rows[-1].days_left) == ("s", True, 1, None)
    assert not the(reports, "full_before").cycles  # the column is full before the sequence begins again


def test_one_that_is_full_has_nothing_left(any_database: Database, reports: Database) -> None:
    any_database.execute("CREATE SEQUENCE s AS bigint")
    any_database.execute("CREATE TABLE t (id int DEFAULT nextval('s'))")
    any_database.value("SELECT setval('s', 3000000000)")
    row = the(reports)
    assert row.remaining == 0 and (row.used_share or 0) > 1


def test_names_are_as_they_are_and_one_schema_can_be_asked_alone(any_database: Database, reports: Database) -> None:
    any_database.execute('CREATE SCHEMA "Схема"')
    any_database.execute('CREATE TABLE "Схема"."Мои ""заказы""" ("Номер" serial)')
    any_database.execute("CREATE SEQUENCE elsewhere")
    (row,) = sequences.used(reports, schema="Схема")
    assert (row.schema, row.table, row.column) == ("Схема", 'Мои "заказы"', "Номер")
    assert row.sequence == 'Мои "заказы"_Номер_seq'


def test_the_one_most_used_up_comes_first(any_database: Database, reports: Database) -> None:
    for number in range(5):
        any_database.execute(f"CREATE SEQUENCE s{number} MAXVALUE 100")
        any_database.value(f"SELECT setval('s{number}', {number * 20 + 1})")
    assert [row.sequence for row in sequences.used(reports, limit=2)] == ["s4", "s3"]


def test_growth_and_the_days_that_are_left_come_from_before(any_database: Database, reports: Database) -> None:
    any_database.execute("CREATE SEQUENCE s MAXVALUE 10000")
    any_database.execute("CREATE SEQUENCE down INCREMENT -2 MINVALUE -10000")
    any_database.value("SELECT setval('s', 6000)")
    any_database.value("SELECT setval('down', -6000)")
    before = then(10, **{f"_{oid(any_database, 's')}": 1000, f"_{oid(any_database, 'down')}": -1000})
    assert the(reports, "s", before=before).per_day == pytest.approx(500, rel=1e-3)
    assert the(reports, "s", before=before).days_left == pytest.approx(8, rel=1e-3)
    assert the(reports, "down", before=before).per_day == pytest.approx(250, rel=1e-3)
    assert the(reports, "down", before=before).days_left == pytest.approx(8, rel=1e-3)


def test_too_little_before_or_a_step_back_tells_no_days(any_database: Database, reports: Database) -> None:
    any_database.execute("CREATE SEQUENCE s MAXVALUE 10000")
    any_database.value("SELECT setval('s', 6000)")
    key = f"_{oid(any_database, 's')}"
    for before in (None, then(10), then(0.01, **{key: 1000}), then(10, **{key: 7000}), then(10, **{key: 6000})):
        assert the(reports, before=before).days_left is None
    assert the(reports, before=then(10, **{key: 6000})).per_day == 0
    assert the(reports, before=then(10, **{key: 7000})).per_day is None


def test_what_a_role_may_not_read_is_unknown_and_the_grant_is_said(any_database: Database) -> None:
    any_database.execute('CREATE SCHEMA "Схема"')
    any_database.execute('CREATE SEQUENCE "Схема".s')
    any_database.value("""SELECT setval('"Схема".s', 2000000000)""")
    with seen_by_a_role(any_database) as plain:
        rows = sequences.used(plain)
        role = plain.value("SELECT current_user::text")
        assert [(row.sequence, row.last_value, row.used_share, row.state) for row in rows] == [
            ("s", None, None, "hidden")
        ]
        assert f'GRANT SELECT ON ALL SEQUENCES IN SCHEMA "Схема" TO "{role}";' in (rows.reading or "")
        any_database.execute(f'GRANT SELECT ON ALL SEQUENCES IN SCHEMA "Схема" TO "{role}"')
        assert (sequences.used(plain).reading, the(plain).last_value) == (None, 2000000000)


def test_a_sequence_that_is_being_altered_is_unknown_and_nobody_waits(
    any_database: Database, reports: Database
) -> None:
    any_database.execute("CREATE SEQUENCE s")
    any_database.execute("CREATE SEQUENCE free")
    any_database.value("SELECT nextval('free')")
    for statement in ("ALTER SEQUENCE s MAXVALUE 5", "DROP SEQUENCE s"):
        with closing(psycopg2.connect(any_database.url)) as other, other.cursor() as cursor:
            cursor.execute(statement)
            rows = sequences.used(reports)
            assert {row.sequence: row.state for row in rows} == {"s": "locked", "free": "used"}
            assert '"public"."s"' in (rows.reading or "")


def test_sequences_of_a_session_are_nobodys(any_database: Database, reports: Database) -> None:
    any_database.execute("CREATE TEMP SEQUENCE s")
    assert sequences.used(reports) == []


def test_explaining_shows_the_question(any_database: Database) -> None:
    from chatai_core.plans import Explained

    explained: list[str] = []
    with pytest.raises(Explained):
        sequences.used(Database(any_database.url, settings=READ_ONLY, explained=explained))
    assert len(explained) == 1 and explained[0].startswith("-- How many numbers are left")
