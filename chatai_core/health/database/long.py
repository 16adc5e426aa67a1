"""Queries that run for too long, and transactions that stand open."""

from collections.abc import Callable, Sequence
from typing import Any

from chatai_core.database import long
from chatai_core.database.long import LongRunning
from chatai_core.findings import Finding, grade
from chatai_core.health.database.look import Look
from chatai_core.i18n import _, plural
from chatai_core.units import Seconds, show_seconds

QUERIES, IDLE = "long_queries", "idle_in_transaction"


def queries(look: Look) -> Finding:
    """Running queries; backups, replication, migrations and the like are not counted."""
    return _check(
        look,
        QUERIES,
        lambda row: not row.protected and not _is_idle(row) and row.kind == "client backend",
        (look.limits.query_warning, look.limits.query_critical),
        good=_("No query runs longer than {limit}."),
        bad=lambda count: plural(
            "{count} query runs longer than {limit}: pid {pid}, for {time}.",
            "{count} queries run longer than {limit}, the longest (pid {pid}) for {time}.",
            count,
        ),
    )


def idle(look: Look) -> Finding:
    """Transactions in which nothing happens: they hold their locks, and dead rows cannot go."""
    return _check(
        look,
        IDLE,
        _is_idle,
        (look.limits.idle_warning, look.limits.idle_critical),
        good=_("No transaction stands idle longer than {limit}."),
        bad=lambda count: plural(
            "{count} transaction stands idle longer than {limit}: pid {pid}, for {time}.",
            "{count} transactions stand idle longer than {limit}, the longest (pid {pid}) for {time}.",
            count,
        ),
    )


def _is_idle(row: LongRunning) -> bool:
    return (row.state or "").startswith("idle in transaction")


def _check(
    look: Look,
    name: str,
    counts: Callable[[LongRunning], bool],
    limits: tuple[Seconds, Seconds],
    *,
    good: str,
    bad: Callable[[int], str],
) -> Finding:
    warning, critical = limits
    rows = [
        row
        for row in long.running(look.database, over=warning)
        if counts(row) and (row.duration_seconds or 0) >= warning
    ]
    if rows:
        worst = max(rows, key=lambda row: row.duration_seconds or 0)
        summary = bad(len(rows)).format(
            count=len(rows),
            limit=show_seconds(warning),
            pid=worst.pid,
            time=show_seconds(worst.duration_seconds or 0),
        )
        status = grade(worst.duration_seconds or 0, warning=warning, critical=critical)
        return Finding(name, status, summary, _evidence(rows), f"chatai db long --over {warning:g}s")
    if not look.visibility.sees_sessions:
        hidden = _("Other roles' sessions are hidden from {role}.").format(role=look.visibility.role)
        return Finding(name, "unknown", hidden, remedy=look.visibility.grant("pg_monitor"))
    return Finding(name, "ok", good.format(limit=show_seconds(warning)))


def _evidence(rows: Sequence[LongRunning]) -> dict[str, Any]:
    return {
        "sessions": [
            {"pid": row.pid, "user": row.user, "application": row.application, "seconds": row.duration_seconds}
            for row in rows[:10]
        ]
    }
