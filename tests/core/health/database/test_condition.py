"""Checks of what runs out, what is hidden, and what cannot be known."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from chatai_core.adapters.postgres import Database
from chatai_core.findings import Finding, Skipped
from chatai_core.health.database import cache_hit, sequences, size, slow, visible, wraparound
from tests.core.database.roles import seen_by_a_role
from tests.core.health.database.conftest import Looking
from tests.core.health.database.sessions import idle_in_transaction


def test_who_asks_is_told_first(looking: Looking) -> None:
    found = visible.check(looking())
    assert (found.status, found.evidence["role"]) == ("ok", "postgres")
    assert f"PostgreSQL {found.evidence['server_version']}, a primary" in found.summary


def test_a_role_that_sees_only_itself_cannot_call_anything_healthy(looking: Looking, any_database: Database) -> None:
    with seen_by_a_role(any_database) as seen:
        found = visible.check(looking(seen.url))
    assert found.status == "unknown"
    assert found.remedy is not None and found.remedy.startswith("GRANT pg_monitor TO ")


def test_a_role_that_may_not_read_tables_is_told_what_it_lacks(looking: Looking, any_database: Database) -> None:
    any_database.execute('CREATE TABLE "Тайна" (a int)')
    with seen_by_a_role(any_database, "pg_monitor") as seen:
        found = visible.check(looking(seen.url))
        assert (found.status, found.evidence["hidden_tables"]) == ("unknown", 1)
        assert found.remedy is not None and found.remedy.startswith("GRANT pg_read_all_data TO ")
    with seen_by_a_role(any_database, "pg_monitor", "pg_read_all_data") as seen:
        assert visible.check(looking(seen.url)).status == "ok"


def test_transaction_numbers_have_room_and_a_limit_below_their_age_is_passed(looking: Looking) -> None:
    assert wraparound.check(looking()).status == "ok"
    found = wraparound.check(looking(wraparound_warning=1e-9, wraparound_critical=1.0))
    assert (found.status, found.remedy) == ("warning", "chatai db wraparound")


def test_who_keeps_dead_rows_is_named(looking: Looking, any_database: Database) -> None:
    with idle_in_transaction(any_database.url, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1") as pid:
        for number in range(5):
            any_database.execute(f"CREATE TABLE t{number} ()")
        found = wraparound.horizon(looking(horizon_warning=3, horizon_critical=1000))
        assert (found.status, found.evidence["pid"]) == ("warning", pid)
        assert wraparound.horizon(looking(horizon_warning=2, horizon_critical=3)).status == "critical"
        assert wraparound.horizon(looking()).status == "ok"
        with seen_by_a_role(any_database) as seen:
            assert wraparound.horizon(looking(seen.url)).status == "unknown"


def test_a_sequence_that_its_column_cannot_follow_is_critical(looking: Looking, any_database: Database) -> None:
    any_database.execute("CREATE SEQUENCE wide AS bigint")
    any_database.execute("CREATE TABLE narrow (id int DEFAULT nextval('wide'))")
    any_database.execute("SELECT setval('wide', 2000000000)")
    found = sequences.check(looking())
    assert (found.status, found.evidence["sequence"]) == ("critical", "public.wide")
    assert found.evidence["column"] == "narrow.id"


def test_a_sequence_that_lasts_a_week_is_critical_though_much_is_left(looking: Looking, any_database: Database) -> None:
    @dataclasses.dataclass
    class Before:
        taken_at: datetime
        sequences: dict[int, int]

    any_database.execute("CREATE SEQUENCE quick MAXVALUE 1000000")
    any_database.execute("SELECT setval('quick', 500000)")
    oid = any_database.value("SELECT 'quick'::regclass::oid::int")
    day = Before(datetime.now(UTC) - timedelta(days=1), {oid: 400_000})
    found = sequences.check(dataclasses.replace(looking(), before=day))
    assert (found.status, round(found.evidence["days_left"])) == ("critical", 5)


def test_a_sequence_that_may_not_be_read_is_unknown(looking: Looking, any_database: Database) -> None:
    any_database.execute("CREATE SEQUENCE hidden")
    with seen_by_a_role(any_database) as seen:
        found = sequences.check(looking(seen.url))
    assert found.status == "unknown"
    assert "GRANT SELECT ON ALL SEQUENCES" in (found.remedy or "")


def test_no_sequence_is_fine(looking: Looking) -> None:
    assert sequences.check(looking()).status == "ok"


def test_the_disk_is_judged_by_what_is_free(looking: Looking) -> None:
    found = size.check(looking(disk_free_warning=0, disk_free_critical=0))
    assert isinstance(found, Finding)
    assert (found.status, found.evidence["days_until_full"]) == ("ok", None)
    full = size.check(looking(disk_free_warning=1, disk_free_critical=0))
    assert isinstance(full, Finding) and (full.status, full.remedy) == ("warning", "chatai db size")


def test_without_pg_stat_statements_slow_statements_are_unknown(looking: Looking, any_database: Database) -> None:
    found = slow.check(looking())
    assert (found.status, found.evidence["state"]) == ("unknown", "not_created")
    assert found.remedy == "CREATE EXTENSION pg_stat_statements;"
    any_database.execute("CREATE EXTENSION pg_stat_statements")
    assert slow.check(looking()).status == "ok"


def test_a_slow_statement_with_a_large_share_is_a_warning(looking: Looking, any_database: Database) -> None:
    any_database.execute("CREATE EXTENSION pg_stat_statements")
    for _time in range(6):
        any_database.value("SELECT pg_sleep(0.03) AS slow_one")
    found = slow.check(looking(slow_ms=20, slow_share=0.1))
    assert (found.status, found.remedy) == ("warning", "chatai db slow")
    assert "slow_one" in found.summary
    assert slow.check(looking(slow_ms=1000)).status == "ok"


def test_the_cache_is_told_and_never_judged(looking: Looking, any_database: Database) -> None:
    any_database.execute("CREATE TABLE t AS SELECT generate_series(1, 1000)")
    any_database.value("SELECT count(*) FROM t")
    any_database.close()  # what it has counted is told to the server now
    found = cache_hit.check(looking())
    assert isinstance(found, Skipped) or found.status == "ok"


@pytest.mark.parametrize("check", [wraparound.check, visible.check, sequences.check])
def test_a_check_writes_nothing(check: "object", looking: Looking) -> None:
    look = looking()
    assert look.database.value("SELECT current_setting('transaction_read_only')") == "on"
    check(look)  # type: ignore[operator]
