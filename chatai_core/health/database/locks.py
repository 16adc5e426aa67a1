"""Whether somebody waits for a lock for too long."""

from chatai_core.database import locks
from chatai_core.findings import Finding, grade
from chatai_core.health.database.look import Look
from chatai_core.i18n import _, plural
from chatai_core.units import show_seconds

NAME = "locks"


def check(look: Look) -> Finding:
    """The one who has waited longest, and who stands before all."""
    rows = locks.waiting(look.database)
    if not rows:
        return Finding(NAME, "ok", _("Nobody waits for a lock."))
    longest = max(rows, key=lambda row: row.waiting_seconds or 0)
    seconds = longest.waiting_seconds or 0
    status = grade(seconds, warning=look.limits.blocked_warning, critical=look.limits.blocked_critical)
    summary = plural(
        "{count} session waits for a lock, pid {pid} for {time}; {root} stands before it.",
        "{count} sessions wait for a lock, pid {pid} for {time}; {root} stands before it.",
        len(rows),
    ).format(count=len(rows), pid=longest.blocked_pid, time=show_seconds(seconds), root=_root(longest))
    evidence = {"waiting": len(rows), "longest_seconds": seconds, "root_pid": longest.root_pid}
    return Finding(NAME, status, summary, evidence, "chatai db locks")


def _root(row: locks.Waiting) -> str:
    if row.root_pid is None:
        return _("a circle of sessions")
    if row.root_pid == locks.PREPARED:
        return _("the prepared transaction {name}").format(name=", ".join(row.prepared))
    return _("pid {pid}").format(pid=row.root_pid)
