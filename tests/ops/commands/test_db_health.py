"""`chatai db health`, run as an operator and as a monitoring system run it."""

from contextlib import ExitStack, closing
from pathlib import Path

import psycopg2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from chatai_core.adapters.postgres import Database
from tests.servers.clusters import Cluster
from tests.servers.command import Command
from tests.servers.databases import PostgreSQL

CHECKS = [
    "visibility",
    "connections",
    "locks",
    "long_queries",
    "idle_in_transaction",
    "wraparound",
    "xmin_horizon",
    "sequences",
]
NOBODY = {"DATABASE_URL": "postgresql://postgres@/chatai?host=/nowhere"}


@pytest.fixture
def well(database_url: str, database: Database) -> str:
    """A migrated database about which everything can be known."""
    database.execute("CREATE EXTENSION pg_stat_statements")
    return database_url


def test_a_healthy_database_is_0_with_one_verdict_a_line(chatai: Command, well: str) -> None:
    shown = chatai("db", "health")
    assert (shown.exit_code, shown.stderr) == (0, ""), shown
    assert [line.split()[1] for line in shown.stdout.splitlines()][: len(CHECKS)] == CHECKS
    assert {line.split()[0] for line in shown.stdout.splitlines()} <= {"OK", "skipped"}


def test_json_has_the_fields_of_the_contract(chatai: Command, well: str) -> None:
    found = chatai("db", "health", "--json").json
    assert {"status", "checks", "duration_seconds"} <= set(found)
    assert found["status"] == "ok"
    for check in found["checks"]:
        assert {"name", "status", "summary", "evidence", "remedy"} == set(check)
        assert isinstance(check["evidence"], dict)


@pytest.mark.parametrize(
    ("limits", "code"),
    [({}, 0), ({"DB_LIMIT_CONNECTIONS_WARNING": "0.0001"}, 1), ({"DB_LIMIT_CONNECTIONS_CRITICAL": "0.0001"}, 2)],
)
def test_the_limits_are_settings(limits: dict[str, str], code: int, chatai: Command, well: str) -> None:
    assert chatai("db", "health", env=limits).exit_code == code


def test_what_nobody_can_know_is_3_and_says_what_is_missing(chatai: Command, database_url: str) -> None:
    shown = chatai("db", "health", "--json")
    assert (shown.exit_code, shown.json["status"]) == (3, "unknown")
    (blind,) = [check for check in shown.json["checks"] if check["status"] == "unknown"]
    assert (blind["name"], blind["remedy"]) == ("slow_statements", "CREATE EXTENSION pg_stat_statements;")


def test_monitoring_reads_it(chatai: Command, well: str) -> None:
    plugin = chatai("db", "health", "-o", "nagios")
    assert plugin.stdout.startswith("DB HEALTH OK: ") and "| duration=" in plugin.stdout.splitlines()[0]
    families = {f.name: f for f in text_string_to_metric_families(chatai("db", "health", "-o", "prom").stdout)}
    names = {sample.labels["check"] for sample in families["chatai_check_status"].samples}
    assert set(CHECKS) <= names


def test_its_own_cost_is_told(chatai: Command, well: str) -> None:
    shown = chatai("db", "health", "--stats", "--json")
    cost = shown.json["cost"]
    assert cost["questions"] >= len(CHECKS) and 0 < cost["seconds"] < 5
    assert set(CHECKS) <= set(cost["checks_ms"])
    assert "questions" in shown.stderr


def test_explain_shows_the_questions_of_all_checks(chatai: Command, well: str, home: Path) -> None:
    shown = chatai("db", "health", "--explain")
    assert shown.exit_code == 0
    assert shown.stdout.count("\n-- ") >= len(CHECKS) - 3
    assert not (home / "state").exists() or not list((home / "state").rglob("*.zst"))


def test_counters_are_remembered_from_one_call_to_the_next(chatai: Command, well: str, home: Path) -> None:
    chatai("db", "health")
    (kept,) = (home / "state" / "database").rglob("*.zst")
    assert kept.stat().st_mode & 0o077 == 0
    chatai("db", "health")
    assert list((home / "state" / "database").rglob("*.zst")) == [kept]


def test_a_home_that_cannot_be_written_keeps_nobody_from_the_verdict(chatai: Command, well: str, home: Path) -> None:
    (home / "state").write_text("in the way")
    shown = chatai("db", "health", "--json")
    assert shown.exit_code == 1, shown
    (finding,) = [check for check in shown.json["checks"] if check["name"] == "snapshots"]
    assert (finding["status"], str(home / "state") in finding["remedy"]) == ("warning", True)


def test_a_server_that_does_not_answer_is_69_and_for_monitoring_3(chatai: Command) -> None:
    assert chatai("db", "health", env=NOBODY).exit_code == 69
    plugin = chatai("db", "health", "-o", "nagios", env=NOBODY)
    assert (plugin.exit_code, plugin.stdout.startswith("UNKNOWN: ")) == (3, True)


def test_a_server_without_a_free_place_is_critical(chatai: Command, cluster: Cluster) -> None:
    cluster.settings |= {"max_connections": "5", "superuser_reserved_connections": "0", "max_wal_senders": "0"}
    cluster.start()
    with ExitStack() as open_ones:
        for _number in range(5):
            open_ones.enter_context(closing(psycopg2.connect(cluster.url)))
        shown = chatai("db", "health", "--json", env={"DATABASE_URL": cluster.url})
    assert shown.exit_code == 2, shown
    assert [(check["name"], check["status"]) for check in shown.json["checks"]] == [("connections", "critical")]


def test_a_locked_catalogue_holds_nobody_up(chatai: Command, server: PostgreSQL) -> None:
    with server.empty() as url, closing(psycopg2.connect(url)) as locking:
        with locking.cursor() as cursor:
            cursor.execute("CREATE TABLE t (id serial PRIMARY KEY)")
            locking.commit()
            cursor.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        shown = chatai("db", "health", "--json", env={"DATABASE_URL": url}, timeout=20)
    assert shown.json["duration_seconds"] < 3
    assert {check["name"] for check in shown.json["checks"]} >= set(CHECKS)


@pytest.mark.parametrize("catalogue", ["pg_statistic", "pg_index"])
def test_a_locked_catalogue_is_unknown_and_neither_full_nor_dead(
    catalogue: str, chatai: Command, server: PostgreSQL
) -> None:
    with server.empty() as url, closing(psycopg2.connect(url)) as locking:
        with locking.cursor() as cursor:
            cursor.execute("CREATE TABLE t (id serial PRIMARY KEY)")
            locking.commit()
            cursor.execute(f"LOCK TABLE {catalogue} IN ACCESS EXCLUSIVE MODE")
        shown = chatai("db", "health", "--json", env={"DATABASE_URL": url}, timeout=30)
    if shown.exit_code == 75:  # PostgreSQL itself reads this catalogue to let somebody in
        assert "lock" in shown.stderr
        return
    found = {check["name"]: check["status"] for check in shown.json["checks"]}
    assert (shown.exit_code, found["visibility"] != "critical", found["connections"]) == (3, True, found["connections"])
    assert found["connections"] != "critical"
    assert "unknown" in found.values()


def test_a_replica_is_judged_by_what_a_replica_knows(chatai: Command, cluster: Cluster) -> None:
    primary = Database(cluster.start().url)
    primary.execute("CREATE EXTENSION pg_stat_statements")
    primary.execute("CREATE TABLE t AS SELECT generate_series(1, 60000) AS id")
    standby = cluster.standby(cluster.directory.with_name("standby"), slot="standby").start()
    try:
        shown = chatai("db", "health", "--json", env={"DATABASE_URL": standby.url})
    finally:
        standby.stop()
        primary.close()
    assert [check for check in shown.json["checks"] if check["status"] == "unknown"] == []
    assert {"dead_rows", "bloat"} <= {skipped["name"] for skipped in shown.json["skipped"]}
