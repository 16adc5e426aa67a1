"""Whether replicas keep up, slots let WAL go, and WAL is archived."""

from chatai_core.database import replication
from chatai_core.database.replication import Replication, Slot
from chatai_core.findings import Finding, Skipped, Status, grade, graver
from chatai_core.health.database.look import Look
from chatai_core.i18n import _
from chatai_core.settings import DatabaseLimits
from chatai_core.units import show_bytes, show_seconds

LAG, SLOTS, ARCHIVER = "replication", "slots", "archiver"


def lag(look: Look) -> Finding | Skipped:
    """How far the replicas are behind; on a replica, how far this one is."""
    found = replication.status(look.database)
    if found.receiver is None and not found.standbys:
        return Skipped(LAG, _("There is no replica."))
    if found.hidden:
        return Finding(LAG, "unknown", found.hidden, remedy=look.visibility.grant("pg_monitor"))
    if found.receiver is not None and not found.receiver.connected:
        return Finding(
            LAG, "critical", _("This replica is not connected to its primary."), remedy="chatai db replication"
        )
    seconds = _behind(found)
    status = grade(seconds, warning=look.limits.lag_warning, critical=look.limits.lag_critical)
    summary = _("The furthest replica is {time} behind.").format(time=show_seconds(seconds))
    evidence = {"standbys": len(found.standbys), "lag_seconds": seconds}
    return Finding(LAG, status, summary, evidence, None if status == "ok" else "chatai db replication")


def slots(look: Look) -> Finding | Skipped:
    """WAL that is kept for receivers: the primary's disk fills when one of them stays away."""
    found = replication.status(look.database).slots
    if not found:
        return Skipped(SLOTS, _("There is no replication slot."))
    worst = max(found, key=lambda slot: (graver(_grade(slot, look.limits)), slot.retained_bytes or 0))
    status = _grade(worst, look.limits)
    evidence = {slot.name: {"active": slot.active, "retained_bytes": slot.retained_bytes} for slot in found}
    if _is_lost(worst):
        summary = _("The slot {name} has lost its WAL: its receiver must be made anew.").format(name=worst.name)
    else:
        summary = _("The slot {name} keeps {size} of WAL.").format(
            name=worst.name, size=show_bytes(worst.retained_bytes or 0)
        )
    return Finding(SLOTS, status, summary, evidence, None if status == "ok" else "chatai db replication")


def archiver(look: Look) -> Finding | Skipped:
    """Whether the last attempt to archive WAL went well: without it there is no point-in-time recovery."""
    found = replication.status(look.database).archiver
    if found is None:
        return Skipped(ARCHIVER, _("WAL is not archived (archive_mode is off)."))
    evidence = {"archived": found.archived_count, "failed": found.failed_count, "last_failed": found.last_failed_wal}
    if found.failing:
        summary = _("Archiving fails, last at {name}.").format(name=found.last_failed_wal)
        return Finding(ARCHIVER, "critical", summary, evidence, "chatai db replication")
    return Finding(
        ARCHIVER, "ok", _("{count} segments of WAL were archived.").format(count=found.archived_count), evidence
    )


def _behind(found: Replication) -> float:
    lags = [standby.replay_lag_seconds for standby in found.standbys]
    if found.receiver is not None:
        lags.append(found.receiver.replay_lag_seconds)
    return max((lag for lag in lags if lag is not None), default=0.0)


def _is_lost(slot: Slot) -> bool:
    return slot.wal_status == "lost" or bool(slot.invalidation_reason)


def _grade(slot: Slot, limits: DatabaseLimits) -> Status:
    if _is_lost(slot):
        return "critical"
    return grade(slot.retained_bytes or 0, warning=limits.slot_warning, critical=limits.slot_critical)
