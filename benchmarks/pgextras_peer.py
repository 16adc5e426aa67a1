"""All that ``pgextras`` can tell of a database, one question after the other; run by the Python that has it."""

import sys

import psycopg2
from pgextras import PgExtras  # type: ignore[import-not-found]

REPORTS = [
    "bloat",
    "blocking",
    "cache_hit",
    "calls",
    "index_usage",
    "locks",
    "long_running_queries",
    "outliers",
    "ps",
    "seq_scans",
    "table_size",
    "total_index_size",
    "total_indexes_size",
    "total_table_size",
    "unused_indexes",
    "vacuum_stats",
    "version",
]


def main(dsn: str) -> None:
    """Ask every question; the names of those that fail on this server are told at the end."""
    failed = []
    with PgExtras(dsn=dsn) as database:
        for report in REPORTS:
            try:
                getattr(database, report)()
            except (psycopg2.Error, AttributeError):  # it does not know the versions of today
                database._conn.rollback()
                failed.append(report)
    print(f"{len(REPORTS) - len(failed)} of {len(REPORTS)} answered; failed: {', '.join(failed) or 'none'}")


main(sys.argv[1])
