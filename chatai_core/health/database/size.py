"""Whether the disk under the database fills up."""

from chatai_core.database import size, snapshots
from chatai_core.findings import Finding, Skipped, grade, graver
from chatai_core.health.database.look import Look
from chatai_core.i18n import _
from chatai_core.units import show_bytes, show_percent

NAME = "disk"


def check(look: Look) -> Finding | Skipped:
    """What is free, and how long that lasts at the pace of the snapshots."""
    disk = size.disk(look.database)
    if disk.free_bytes is None or not disk.total_bytes:
        return Skipped(NAME, disk.reason or _("The disk of the server cannot be seen from here."))
    limits = look.limits
    growth = snapshots.growth_per_day(look.before, look.now) if look.before and look.now else None
    days = size.days_until_full(disk.free_bytes, growth)
    free = disk.free_bytes / disk.total_bytes
    status = max(
        grade(-free, warning=-limits.disk_free_warning, critical=-limits.disk_free_critical),
        "ok" if days is None else grade(-days, warning=-limits.disk_days_warning, critical=-limits.disk_days_critical),
        key=graver,
    )
    summary = _("{free} ({share}) of the disk are free.").format(
        free=show_bytes(disk.free_bytes), share=show_percent(free)
    )
    if days is not None:
        summary += " " + _("At this pace it is full in {days:.0f} days.").format(days=days)
    evidence = {
        "free_bytes": disk.free_bytes,
        "total_bytes": disk.total_bytes,
        "growth_bytes_per_day": growth,
        "days_until_full": days,
    }
    return Finding(NAME, status, summary, evidence, None if status == "ok" else "chatai db size")
