"""What a role may see of the server, for each kind of role."""

import pytest

from chatai_core.adapters.postgres import Database
from chatai_core.database import visibility
from chatai_core.database.visibility import Tables
from tests.core.database.roles import seen_by_a_role


def test_a_superuser_sees_everything(any_database: Database, reports: Database) -> None:
    any_database.execute("CREATE TABLE t ()")
    seen = visibility.look(reports)
    assert (seen.role, seen.is_superuser, seen.in_recovery) == ("postgres", True, False)
    assert (seen.sees_sessions, seen.reads_settings, seen.may_signal) == (True, True, True)
    assert (visibility.tables(reports), seen.sessions_hidden) == (Tables(1, 0), None)
    assert seen.server_version == any_database.value("SELECT current_setting('server_version_num')::int")


def test_a_plain_role_sees_its_own_and_is_told_the_grant(any_database: Database) -> None:
    any_database.execute("CREATE TABLE a ()")
    any_database.execute('CREATE SCHEMA "Схема"')
    any_database.execute('CREATE TABLE "Схема"."Б" (id int) PARTITION BY RANGE (id)')
    any_database.execute("CREATE MATERIALIZED VIEW c AS SELECT 1")
    with seen_by_a_role(any_database) as plain:
        seen = visibility.look(plain)
        assert (seen.is_superuser, seen.sees_sessions, seen.reads_settings, seen.may_signal) == (False,) * 4
        assert visibility.tables(plain) == Tables(3, 3)
        assert f'GRANT pg_monitor TO "{seen.role}";' in (seen.sessions_hidden or "")
        any_database.execute(f'GRANT SELECT ON a TO "{seen.role}"')
        assert visibility.tables(plain).hidden == 2


@pytest.mark.parametrize(
    ("group", "sessions", "settings", "signals"),
    [
        ("pg_monitor", True, True, False),
        ("pg_read_all_stats", True, False, False),
        ("pg_read_all_settings", False, True, False),
        ("pg_signal_backend", False, False, True),
    ],
)
def test_each_membership_opens_its_part(
    any_database: Database, group: str, sessions: bool, settings: bool, signals: bool
) -> None:
    any_database.execute("CREATE TABLE t ()")
    with seen_by_a_role(any_database, group) as member:
        seen = visibility.look(member)
        assert (seen.sees_sessions, seen.reads_settings, seen.may_signal) == (sessions, settings, signals)
        assert visibility.tables(member).hidden == 1  # to read statistics is not to read tables


def test_a_membership_that_is_not_inherited_opens_nothing(any_database: Database) -> None:
    with seen_by_a_role(any_database, "pg_monitor", attributes="NOINHERIT") as member:
        assert not visibility.look(member).sees_sessions


def test_what_a_session_has_of_its_own_is_no_table_of_the_database(any_database: Database) -> None:
    any_database.execute("CREATE TEMP TABLE t ()")
    assert visibility.tables(any_database) == Tables(0, 0)


def test_the_statement_that_opens_it_can_be_typed(any_database: Database) -> None:
    with seen_by_a_role(any_database) as plain:
        any_database.execute(visibility.look(plain).grant("pg_monitor"))
        assert visibility.look(plain).sessions_hidden is None
