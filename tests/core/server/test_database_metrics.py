"""/metrics/db-size: valid for promtool, true, and never a burden for the database."""

import re
import shutil
import subprocess

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from chatai_core.adapters.postgres import Database
from tests.servers.backend import Backend

ABBREVIATED = re.compile(r"_(ms|mb|kb|gb|mib|sec|secs|min|mins|hrs)(_|$)")


def families(backend: Backend) -> dict[str, Metric]:
    return {family.name: family for family in text_string_to_metric_families(backend.get("/metrics/db-size").text)}


def value(found: dict[str, Metric], name: str, **labels: str) -> float:
    return next(s.value for s in found[name].samples if labels.items() <= s.labels.items())


def test_the_size_is_what_postgresql_says(backend: Backend, settings: dict[str, str]) -> None:
    database = Database(settings["DATABASE_URL"])
    found = families(backend)
    now = database.value("SELECT pg_database_size(current_database())")
    users = database.value("SELECT pg_total_relation_size('users')")
    database.close()
    assert value(found, "replyx_database_size_bytes") == pytest.approx(now, rel=0.2)
    assert value(found, "replyx_table_size_bytes", table="users", schema="public") <= users
    assert value(found, "replyx_database_tables") >= 12


def test_the_disk_and_the_verdict_are_told(backend: Backend) -> None:
    found = families(backend)
    used = value(found, "replyx_disk_usage_percent")
    free, total = value(found, "replyx_disk_free_bytes"), value(found, "replyx_disk_total_bytes")
    assert used == pytest.approx(100 * (1 - free / total))
    assert value(found, "replyx_database_health_status") in {0, 1, 2, 3}
    assert value(found, "replyx_database_alerts") >= 0


def test_growth_is_not_told_before_it_is_known(backend: Backend) -> None:
    assert "replyx_database_growth_bytes_per_day" not in families(backend)


def test_many_scrapes_cost_one_measurement(backend: Backend) -> None:
    first = value(families(backend), "replyx_database_measured_age_seconds")
    assert value(families(backend), "replyx_database_measured_age_seconds") >= first


def test_names_follow_the_conventions(backend: Backend) -> None:
    """What promtool refuses: a gauge that ends in _total, abbreviated units, metrics without help."""
    for path in ("/metrics", "/metrics/db-size"):
        for family in text_string_to_metric_families(backend.get(path).text):
            assert family.documentation, family.name
            assert not ABBREVIATED.search(family.name), family.name
            assert family.type == "counter" or not family.name.endswith("_total"), family.name


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
@pytest.mark.parametrize("path", ["/metrics", "/metrics/db-size"])
def test_promtool_accepts_it(path: str, backend: Backend) -> None:
    text = backend.get(path).text
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
