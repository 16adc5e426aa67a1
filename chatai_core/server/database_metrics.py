"""What Prometheus reads of the database: its size, its tables, its disk, its health; from the reports of ``chatai db``.

The names are those of the old system where ``promtool check metrics`` takes them; docs/database.md has the others.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from chatai_core.database import size, tables
from chatai_core.findings import Status, Survey
from chatai_core.health import database
from chatai_core.installation import Installation
from chatai_core.server.kept import Answer

TABLES = 200  # each is two time series; the largest are told, and how many there are in all

_LABELS = ("table", "schema")
_STATUS: dict[Status, int] = {"ok": 0, "warning": 1, "critical": 2, "unknown": 3}


@dataclass(frozen=True, slots=True)
class Measured:
    """What is published, as it was at one moment."""

    size: size.Size
    tables: list[tables.Table]
    health: Survey


def measure(chatai: Installation) -> Measured:
    """Ask the database, over a connection that nothing else of the server uses."""
    with chatai.altered({"DATABASE_URL": chatai.database_url}) as apart:
        return Measured(
            size.measure(apart.reports, chatai.state / "database"),
            list(tables.largest(apart.reports)),
            database.survey(apart),
        )


def text(answer: Answer[Measured]) -> bytes:
    """It in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Families(answer))
    return generate_latest(registry)


class _Families(Collector):
    def __init__(self, answer: Answer[Measured]) -> None:
        self._answer = answer

    def collect(self) -> Iterable[Metric]:
        found = self._answer.value
        yield _gauge("replyx_database_size_bytes", "Size of the database.", found.size.database_bytes)
        yield from _tables(found.tables)
        yield from _disk(found.size)
        alerts = sum(finding.status != "ok" for finding in found.health.checks)
        yield _gauge("replyx_database_alerts", "Checks of chatai db health that are not ok.", alerts)
        health = "0 healthy, 1 warning, 2 critical, 3 unknown: the verdict of chatai db health."
        yield _gauge("replyx_database_health_status", health, _STATUS[found.health.status])
        yield _gauge("replyx_database_measured_age_seconds", "How old these numbers are.", self._answer.age)


def _tables(found: list[tables.Table]) -> Iterator[Metric]:
    yield _gauge(
        "replyx_database_tables", "Tables of the database, those too that are not told one by one.", len(found)
    )
    sizes = GaugeMetricFamily(
        "replyx_table_size_bytes", "Size of a table with its indexes.", labels=("table", "schema")
    )
    rows = GaugeMetricFamily("replyx_table_rows", "Rows of a table, as estimated.", labels=("table", "schema"))
    for table in found[:TABLES]:
        labels = (table.table, table.schema)
        if table.total_bytes is not None:
            sizes.add_metric(labels, table.total_bytes)
        if table.rows_estimate is not None:
            rows.add_metric(labels, table.rows_estimate)
    yield from (sizes, rows)


def _disk(found: size.Size) -> Iterator[Metric]:
    """Nothing where it is not known: a number that is made up would be worse."""
    if found.disk_free_bytes is not None and found.disk_total_bytes:
        used = 100 * (1 - found.disk_free_bytes / found.disk_total_bytes)
        yield _gauge("replyx_disk_usage_percent", "Share of the database's disk that is in use.", used)
        yield _gauge("replyx_disk_free_bytes", "What is free on the database's disk.", found.disk_free_bytes)
        yield _gauge("replyx_disk_total_bytes", "Size of the database's disk.", found.disk_total_bytes)
    if found.growth_per_day is not None:
        growth = "By how much the database grows in a day, in the mean of the last 30."
        yield _gauge("replyx_database_growth_bytes_per_day", growth, found.growth_per_day)


def _gauge(name: str, says: str, value: float) -> Metric:
    return GaugeMetricFamily(name, says, value=value)
