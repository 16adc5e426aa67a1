"""chatai db slow, wraparound, sequences, cache-hit, extensions, replication and ping, as an operator runs them."""

from pathlib import Path

import pytest

from chatai_core.adapters.postgres import Database
from tests.servers.command import Command


def test_slow_gives_the_fields_of_the_contract_first(chatai: Command, database: Database) -> None:
    database.execute("CREATE EXTENSION pg_stat_statements")
    for _time in range(6):
        database.value("SELECT pg_sleep(0.01), count(*) FROM users WHERE email <> 'hidden@example.com'")
    done = chatai("db", "slow", "--json")
    (row, *_others) = done.json
    assert list(row)[:5] == ["query", "calls", "mean_ms", "total_ms", "share"]
    assert (row["calls"], "FROM users" in row["query"], 0 < row["share"] <= 1) == (6, True, True)
    assert "Counted since" in done.stderr and "hidden@example.com" not in done.stdout
    table = chatai("db", "slow", "--over", "9.5", "--sort", "mean", "-n", "1")
    assert table.stdout.splitlines()[0].split() == ["Calls", "Mean", "ms", "Total", "ms", "Share", "Begins"]
    assert len(table.stdout.splitlines()) == 2


def test_slow_without_the_extension_is_a_setting_that_is_missing(chatai: Command, database_url: str) -> None:
    done = chatai("db", "slow")
    assert (done.exit_code, done.stdout) == (78, "")
    assert "CREATE EXTENSION pg_stat_statements;" in done.stderr


def test_wraparound_shows_the_database_its_tables_and_who_holds_it_up(chatai: Command, database: Database) -> None:
    found = chatai("db", "wraparound", "--json", "-n", "3").json
    assert list(found)[:5] == ["database", "txid_age", "txid_share", "mxid_age", "mxid_share"]
    assert len(found["tables"]) == 3 and found["holders"] == []
    text = chatai("db", "wraparound", "-n", "3").stdout
    assert "\nTables\nSchema" in text and "\nDatabases\nDatabase" in text


def test_sequences_are_listed_and_their_growth_is_remembered(chatai: Command, database: Database) -> None:
    database.execute("CREATE TABLE t (id serial)")
    database.value("SELECT setval('t_id_seq', 2000000000)")
    (row, *_others) = chatai("db", "sequences", "--json", "--schema", "public").json
    assert (row["sequence"], row["table"], row["column"], row["state"]) == ("t_id_seq", "t", "id", "used")
    assert row["used_share"] == pytest.approx(0.93, abs=0.01) and row["days_left"] is None
    home = chatai.environment["CHATAI_HOME"]
    assert chatai("db", "sequences", "-n", "1").stdout.splitlines()[1].split()[:4] == ["public", "t_id_seq", "t", "id"]

    assert list(Path(home, "state", "database").rglob("*.json*"))


def test_cache_hit_begins_with_the_totals(chatai: Command, database: Database) -> None:
    database.value("SELECT count(*) FROM users")
    done = chatai("db", "cache-hit", "--json")
    assert [row["kind"] for row in done.json[:3]] == ["database", "tables", "indexes"]
    assert "Counted since" in done.stderr and "operating system" in done.stderr


def test_extensions_are_listed_with_what_is_outdated(chatai: Command, database: Database) -> None:
    database.execute("CREATE EXTENSION pg_stat_statements VERSION '1.8'")
    done = chatai("db", "extensions")
    assert done.stdout.splitlines()[1].split()[:4] == ["extension", "pg_stat_statements", "public", "1.8"]
    assert "ALTER EXTENSION pg_stat_statements UPDATE;" in done.stderr
    assert {row["name"] for row in chatai("db", "extensions", "--json").json} >= {"vector", "plpgsql"}


def test_replication_says_what_there_is_none_of(chatai: Command, database: Database) -> None:
    found = chatai("db", "replication", "--json").json
    assert (found["role"], found["standbys"], found["receiver"]) == ("primary", [], None)
    assert chatai("db", "replication").stdout.splitlines()[0].split() == ["Role", "primary"]


def test_ping_tells_who_answers(chatai: Command, database: Database) -> None:
    done = chatai("db", "ping", "--json")
    assert done.exit_code == 0
    assert list(done.json)[:2] == ["latency_ms", "connect_ms"] and done.json["pool"] == 35
    assert (done.json["role"], done.json["server"], done.json["encryption"]) == ("postgres", "primary", "socket")
    assert done.json["vector"] and done.json["version"].startswith("18")


def test_ping_to_a_server_that_is_down_is_unavailable(chatai: Command) -> None:
    done = chatai("db", "ping", env={"DATABASE_URL": "postgresql://u:hush-5ecret@127.0.0.1:1/chatai"})
    assert (done.exit_code, done.stdout) == (69, "")
    assert "hush" not in done.stderr


@pytest.mark.parametrize(
    ("command", "questions"),
    [("wraparound", 3), ("sequences", 1), ("cache-hit", 1), ("extensions", 2), ("replication", 5), ("ping", 1)],
)
def test_the_sql_is_shown_in_place_of_being_run(
    chatai: Command, database_url: str, command: str, questions: int
) -> None:
    done = chatai("db", command, "--explain", "--json")
    assert (done.exit_code, len(done.json)) == (0, questions)
    assert all(statement.startswith("-- ") for statement in done.json)
