"""What holds for every report of `chatai db`."""

import pytest

from chatai_core.adapters.postgres import Database
from tests.servers.clusters import Cluster
from tests.servers.command import Command

REPORTS = [
    "activity",
    "bloat",
    "cache-hit",
    "connections",
    "duplicate-indexes",
    "extensions",
    "health",
    "indexes",
    "locks",
    "long",
    "ping",
    "replication",
    "sequences",
    "size",
    "slow",
    "tables",
    "unused-indexes",
    "wraparound",
]
NOBODY = {"DATABASE_URL": "postgresql://postgres@/chatai?host=/nowhere"}


def test_no_report_writes_anything(cluster: Cluster, chatai: Command) -> None:
    """Whoever writes takes a transaction number: on a server where nobody else works, none is taken."""
    database = Database(cluster.start().url)
    database.execute("CREATE EXTENSION pg_stat_statements")
    database.execute("CREATE TABLE t (id serial PRIMARY KEY, a int)")
    database.execute("CREATE INDEX ON t (a)")
    next_number = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"
    before = database.value(next_number)
    for report in REPORTS:
        shown = chatai("db", report, "--json", env={"DATABASE_URL": cluster.url})
        assert shown.exit_code in {0, 1, 2, 3}, (report, shown)
        assert database.value(next_number) == before, report
    database.close()


@pytest.mark.parametrize("report", REPORTS)
def test_a_server_that_does_not_answer_is_69_in_three_lines(report: str, chatai: Command) -> None:
    shown = chatai("db", report, env=NOBODY)
    assert (shown.exit_code, shown.stdout) == (69, "")
    assert len(shown.stderr.splitlines()) == 3


@pytest.mark.parametrize("report", [report for report in REPORTS if report != "ping"])
def test_explain_shows_sql_with_its_question_and_asks_nothing_of_it(
    report: str, database_url: str, database: Database, chatai: Command
) -> None:
    database.execute("CREATE EXTENSION pg_stat_statements")
    shown = chatai("db", report, "--explain")
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert shown.stdout.startswith("-- ") and "SELECT" in shown.stdout
    assert "%(" not in shown.stdout


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "table"])
@pytest.mark.parametrize("report", REPORTS)
def test_every_form_is_taken(report: str, form: str, database_url: str, database: Database, chatai: Command) -> None:
    database.execute("CREATE EXTENSION pg_stat_statements")
    shown = chatai("db", report, "-o", form)
    assert shown.exit_code in {0, 1, 2, 3}, shown
    assert "Traceback" not in shown.stderr
    assert form != "csv" or "," in shown.stdout.splitlines()[0]  # a header, also when there is no row
