"""The commands about space, as an operator types them."""

import csv
import io
from pathlib import Path

import pytest

from chatai_core.adapters.postgres import Database
from tests.ops.conftest import Process
from tests.servers.command import Command

BARE = ["tables", "indexes", "unused-indexes", "duplicate-indexes", "bloat"]


@pytest.fixture
def filled(database: Database) -> Database:
    """ChatAI's tables and one with indexes that nobody needs."""
    database.execute(
        "CREATE SCHEMA own; CREATE TABLE own.t AS SELECT g AS a, md5(g::text) AS b FROM generate_series(1, 3000) g"
    )
    database.execute(
        "CREATE INDEX first ON own.t (a); CREATE INDEX again ON own.t (a); CREATE INDEX other ON own.t (b)"
    )
    database.value("SELECT pg_stat_force_next_flush()")
    database.execute("ANALYZE own.t")
    return database


def test_size_is_one_object(chatai: Command, filled: Database) -> None:
    found = chatai("db", "size", "--json").json
    parts = ("table_bytes", "index_bytes", "toast_bytes", "other_bytes")
    assert sum(found[part] for part in parts) == found["database_bytes"] > 0
    assert found["growth_per_day"] is None
    assert found["disk_free_bytes"] > 0
    shown = chatai("db", "size")
    assert shown.exit_code == 0
    assert "Growth is known an hour after the first snapshot" in shown.stdout


@pytest.mark.parametrize(
    ("command", "fields"),
    [
        ("tables", "schema table rows_estimate table_bytes index_bytes toast_bytes total_bytes"),
        ("indexes", "schema table index method size_bytes scans state"),
        (
            "unused-indexes",
            "schema table index size_bytes scans stats_age_days verdict reason drop_sql undo_sql",
        ),
        ("duplicate-indexes", "schema table index covered_by kind size_bytes reason drop_sql undo_sql"),
        ("bloat", "schema table live_tuples dead_tuples dead_share bloat_bytes reason"),
    ],
)
def test_the_fields_of_the_contract_come_first_and_filters_hold(
    chatai: Command, filled: Database, command: str, fields: str
) -> None:
    done = chatai("db", command, "--schema", "own", "-n", "1", "--json")
    assert done.exit_code == 0
    (row,) = done.json
    assert list(row)[: len(fields.split())] == fields.split()
    assert (row["schema"], row["table"]) == ("own", "t")
    sheet = list(csv.DictReader(io.StringIO(chatai("db", command, "--schema", "own", "-o", "csv").stdout)))
    assert sheet[0]["table"] == "t"
    assert chatai("db", command, "--min-size", "1TB", "--json").json == []


@pytest.mark.parametrize("command", BARE)
def test_a_table_fits_a_terminal_of_a_hundred_columns(
    it: Process, filled: Database, database_url: str, command: str
) -> None:
    done = it.on_terminal(
        "db", command, "--schema", "own", env={"DATABASE_URL": database_url, "COLUMNS": "100", "NO_COLOR": "1"}
    )
    assert done.exit_code == 0
    heads = [line for line in done.stdout.splitlines() if "Schema" in line]
    assert len(heads) == 1 and "Table" in heads[0], done.stdout


@pytest.mark.parametrize("command", ["size", *BARE])
def test_explain_shows_the_question_itself(chatai: Command, filled: Database, command: str) -> None:
    done = chatai("db", command, "--explain", *([] if command in {"size", "bloat"} else ["--table", "t"]))
    assert done.exit_code == 0
    assert done.stdout.startswith("-- ")
    assert "pg_class" in done.stdout
    assert "%(" not in done.stdout
    assert "Which tables, materialized views and indexes have a name" not in done.stdout


def test_what_is_unused_is_proved_from_one_call_to_the_next(chatai: Command, filled: Database, home: Path) -> None:
    def ask() -> dict[str, str]:
        rows = chatai("db", "unused-indexes", "--schema", "own", "--min-age", "1e-9", "--json").json
        return {row["index"]: row["verdict"] for row in rows}

    assert ask() == {
        "first": "insufficient_evidence",
        "again": "insufficient_evidence",
        "other": "insufficient_evidence",
    }
    assert ask() == {"first": "drop", "again": "drop", "other": "drop"}
    shown = chatai("db", "unused-indexes", "--schema", "own", "--min-age", "1e-9")
    assert "Counted since" in shown.stderr and "drop_sql and undo_sql are shown by --json." in shown.stderr
    (kept,) = (home / "state" / "database").iterdir()
    assert len(list(kept.iterdir())) == 1
    assert chatai("db", "unused-indexes", "--table", "own.t", "--json").json[0]["verdict"] == "insufficient_evidence"


def test_what_backs_a_constraint_is_shown_as_kept(chatai: Command, filled: Database) -> None:
    filled.execute("ALTER TABLE own.t ADD PRIMARY KEY (a), ADD EXCLUDE USING gist (int4range(a, a + 1) WITH &&)")
    rows = chatai("db", "unused-indexes", "--schema", "own", "--min-age", "0", "--json").json
    kept = {row["index"]: row["drop_sql"] for row in rows if row["verdict"] == "keep"}
    assert kept == {"t_pkey": None, "t_int4range_excl": None}


def test_a_password_of_a_standby_stays_out_of_the_command_line(chatai: Command, database_url: str) -> None:
    done = chatai("db", "unused-indexes", "--replica", "postgresql://u:topsecret@standby/chatai")
    assert done.exit_code == 64
    assert "A password does not belong on the command line." in done.stderr
    assert "topsecret" not in done.stdout + done.stderr
    given = chatai("db", "unused-indexes", "--replica", "STANDBY", env={"STANDBY": database_url})
    assert given.exit_code == 64
    assert "is no standby." in given.stderr


def test_what_cannot_be_kept_is_said_and_the_answer_is_there(chatai: Command, filled: Database, home: Path) -> None:
    (home / "state").mkdir(parents=True)
    (home / "state" / "database").write_text("in the way")
    done = chatai("db", "unused-indexes", "--schema", "own", "--json")
    assert len(done.json) == 3
    assert "The counters could not be kept for the next time." in done.stderr


def test_who_may_write_nowhere_gets_the_size_all_the_same(chatai: Command, filled: Database, redis_url: str) -> None:
    done = chatai("db", "size", "--json", env={"CHATAI_HOME": "/proc/nowhere", "CHATAI_LOG_DIR": "/proc/nowhere"})
    assert done.exit_code == 0
    assert "The counters could not be kept for the next time." in " ".join(done.json["notes"])


def test_bloat_exact_names_the_extension_and_reads_what_is_named(chatai: Command, filled: Database) -> None:
    missing = chatai("db", "bloat", "own.t", "--exact")
    assert missing.exit_code == 78
    assert "CREATE EXTENSION pgstattuple;" in missing.stderr
    filled.execute("CREATE EXTENSION pgstattuple")
    (row,) = chatai("db", "bloat", "own.t", "--exact", "--json").json
    assert (row["live_tuples"], row["dead_tuples"], row["is_exact"]) == (3000, 0, True)


def test_an_unknown_table_is_not_found_and_a_size_must_be_one(chatai: Command, filled: Database) -> None:
    assert chatai("db", "tables", "--table", "nowhere").exit_code == 66
    refused = chatai("db", "tables", "--min-size", "large")
    assert refused.exit_code == 64
    assert "'large' is not a size." in refused.stderr


@pytest.mark.parametrize("command", [*BARE, "sequences", "cache-hit"])
def test_an_unknown_schema_is_not_found_and_an_empty_one_says_nothing_of_the_others(
    chatai: Command, filled: Database, command: str
) -> None:
    for words in (("--schema", "onw"), ("--schema", "onw", "--explain")):
        refused = chatai("db", command, *words)
        assert (refused.exit_code, refused.stdout) == (66, ""), refused
        assert "There is no schema onw in this database." in refused.stderr
        assert "Did you mean own?" in refused.stderr and "chatai db tables" in refused.stderr
    filled.execute("CREATE SCHEMA nothing")
    empty = chatai("db", command, "--schema", "nothing")
    assert empty.exit_code == 0
    assert not any(claim in empty.stderr for claim in ("Every index", "No index", "The database has no"))
    assert command == "cache-hit" or (empty.stdout == "" and ("such" in empty.stderr or "None of" in empty.stderr))


def test_exact_bloat_of_an_unknown_schema_is_not_found_either(chatai: Command, filled: Database) -> None:
    filled.execute("CREATE EXTENSION pgstattuple")
    assert chatai("db", "bloat", "--exact", "--schema", "onw").exit_code == 66


def test_invalid_indexes_alone(chatai: Command, filled: Database) -> None:
    done = chatai("db", "indexes", "--invalid")
    assert done.exit_code == 0
    assert done.stdout == ""
    assert "There is no such index." in done.stderr
