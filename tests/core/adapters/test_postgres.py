"""PostgreSQL through psycopg2: rows, transactions, and its failures in the operator's words."""

import uuid
from contextlib import closing
from dataclasses import dataclass

import psycopg2
import pytest

from chatai_core.adapters.postgres import READ_ONLY, Database, Session
from chatai_core.errors import (
    AccessRefused,
    Busy,
    ChataiError,
    Misconfigured,
    NotFound,
    NotPermitted,
    ProgramFailed,
    Unavailable,
)
from tests.servers.databases import Databases, PostgreSQL


@dataclass(frozen=True, slots=True)
class Pair:
    """A row of the questions below."""

    a: int
    b: str | None


def test_a_question_is_answered_as_rows_in_order(database: Database) -> None:
    rows = database.rows(Pair, "SELECT * FROM (VALUES (2, 'x'), (1, NULL)) AS v (a, b) ORDER BY a")
    assert rows == [Pair(1, None), Pair(2, "x")]


def test_parameters_are_bound_not_pasted(database: Database) -> None:
    text = "'; DROP TABLE users; --"
    assert database.value("SELECT %(text)s", text=text) == text


def test_a_column_too_many_is_a_bug_seen_at_once(database: Database) -> None:
    with pytest.raises(TypeError):
        database.rows(Pair, "SELECT 1 AS a, 'x' AS b, 3 AS c")


def test_an_error_rolls_the_transaction_back(database: Database) -> None:
    database.execute("CREATE TABLE t (a int)")
    with pytest.raises(ZeroDivisionError), database.connection() as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO t VALUES (1)")
        raise ZeroDivisionError
    assert database.value("SELECT count(*) FROM t") == 0


def test_times_come_in_utc_whatever_the_server_thinks(database: Database, databases: Databases) -> None:
    assert database.value("SHOW timezone") == "UTC"


def test_options_of_the_url_hold_beside_ours(database_url: str) -> None:
    database = Database(f"{database_url}&options=-c%20search_path%3Dpg_catalog")
    assert database.value("SHOW search_path") == "pg_catalog"
    assert database.value("SHOW timezone") == "UTC"
    database.close()


def test_a_connection_that_the_server_ended_is_opened_again(database: Database, database_url: str) -> None:
    pid = database.value("SELECT pg_backend_pid()")
    other = Database(database_url)
    other.value("SELECT pg_terminate_backend(%(pid)s)", pid=pid)
    other.close()
    with pytest.raises(Unavailable):
        database.value("SELECT 1")
    assert database.value("SELECT 1") == 1


@pytest.mark.parametrize(
    ("url", "kind", "what"),
    [
        ("postgresql://u:hush@127.0.0.1:1/d", Unavailable, "does not answer"),
        ("postgresql://u:hush@/d?host=/nowhere", Unavailable, "does not answer"),
        ("postgresql://u:hush@no-such-host.invalid/d", Unavailable, "does not answer"),
        ("mysql://u:hush@h/d", Misconfigured, "not a PostgreSQL address"),
        ("postgresql://u:hush@h:port/d", Misconfigured, "not a PostgreSQL address"),
        ("postgresql://u:hush@h/d?nonsense=1", Misconfigured, "not a PostgreSQL address"),
        ("hush", Misconfigured, "not a PostgreSQL address"),
        ("postgresql://u:hu/sh@h/d", Misconfigured, "not a PostgreSQL address"),
    ],
)
def test_a_server_out_of_reach_is_said_without_the_password(url: str, kind: type[ChataiError], what: str) -> None:
    with pytest.raises(kind, match=what) as caught:
        Database(url, connect_timeout=2).value("SELECT 1")
    assert "hush" not in f"{caught.value} {caught.value.hint}"


def test_a_missing_database_is_not_found(databases: Databases) -> None:
    with pytest.raises(NotFound, match="does not know this database"):
        Database(databases.url("nowhere")).value("SELECT 1")


def test_a_missing_role_is_not_found(databases: Databases) -> None:
    with pytest.raises(NotFound, match="database or role"):
        Database(databases.url("postgres", user="nobody_here")).value("SELECT 1")


def test_missing_tables_name_the_command_that_makes_them(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    with pytest.raises(Misconfigured) as caught:
        database.value("SELECT * FROM users")
    assert caught.value.hint == "chatai migrate upgrade"
    database.close()


def test_a_change_in_a_read_only_database_is_not_permitted(database: Database) -> None:
    refused = pytest.raises(NotPermitted, match="read-only")
    with refused, database.connection() as connection, connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
        cursor.execute("CREATE TABLE t (a int)")


def test_a_cancelled_statement_is_busy(database: Database) -> None:
    with pytest.raises(Busy), database.connection() as connection, connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '50ms'")
        cursor.execute("SELECT pg_sleep(10)")


def test_a_login_that_waits_for_a_locked_catalogue_is_busy(any_url: str) -> None:
    with closing(Database(any_url)) as database, database.connection() as connection, connection.cursor() as cursor:
        cursor.execute("LOCK pg_class IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(Busy) as caught:
            Database(any_url, settings=READ_ONLY).value("SELECT 1")
        assert "canceling statement due to lock timeout" in caught.value.why


def test_a_role_that_may_not_come_in_is_refused(server: PostgreSQL, any_url: str) -> None:
    name = f"nologin{uuid.uuid4().hex[:8]}"
    server.execute("CREATE ROLE {} NOLOGIN", name)
    try:
        with pytest.raises(AccessRefused, match="is not permitted to log in"):
            Database(server.url("postgres", user=name)).value("SELECT 1")
        server.execute("ALTER ROLE {} LOGIN", name)
        database = Database(any_url).value("SELECT current_database()")
        server.execute("REVOKE CONNECT ON DATABASE {} FROM PUBLIC", database)
        with pytest.raises(AccessRefused, match="permission denied for database"):
            Database(server.url(database, user=name)).value("SELECT 1")
        server.execute("ALTER DATABASE {} ALLOW_CONNECTIONS false", database)
        with pytest.raises(AccessRefused, match="not currently accepting connections"):
            Database(server.url(database)).value("SELECT 1")
    finally:
        server.execute("DROP ROLE {}", name)


@pytest.mark.parametrize(
    "statement",
    [
        f"SELECT {'(' * 2000}1{')' * 2000} {'+ 1' * 40000}",  # 54001: the stack
        f"CREATE TABLE wide ({', '.join(f'c{number} int' for number in range(1700))})",  # 54011
        "SELECT pg_wal_replay_pause()",  # 55000
        "DO $$ BEGIN RAISE SQLSTATE '53200' USING MESSAGE = 'out of memory'; END $$",
        "DO $$ BEGIN RAISE SQLSTATE '58030' USING MESSAGE = 'could not read'; END $$",
        "DO $$ BEGIN RAISE SQLSTATE 'XX001' USING MESSAGE = 'invalid page'; END $$",
    ],
    ids=lambda statement: statement[:40],
)
def test_what_the_server_cannot_do_is_no_server_that_does_not_answer(any_url: str, statement: str) -> None:
    with Session(any_url, application="psql") as session:
        with pytest.raises(ProgramFailed, match="could not carry it out"):
            session.run(statement)
        with pytest.raises(ProgramFailed, match="could not carry it out"):
            session.database.value(statement)


@pytest.mark.parametrize("code", ["40001", "40P01", "55P03", "55006", "57014"])
def test_what_another_try_may_cure_is_busy(any_database: Database, code: str) -> None:
    with pytest.raises(Busy):
        any_database.value(f"DO $$ BEGIN RAISE SQLSTATE '{code}'; END $$")


@pytest.mark.parametrize("code", ["57P01", "57P02", "57P03", "08006"])
def test_a_server_that_ends_does_not_answer(any_database: Database, code: str) -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        any_database.value(f"DO $$ BEGIN RAISE SQLSTATE '{code}'; END $$")


def test_a_syntax_error_is_a_bug_and_stays_one(database: Database) -> None:
    with pytest.raises(psycopg2.errors.SyntaxError):
        database.value("SELEKT 1")
