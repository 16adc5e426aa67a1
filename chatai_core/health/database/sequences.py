"""Whether a sequence, or the column that it feeds, runs out of numbers."""

from collections.abc import Sequence as Many

from chatai_core.database import sequences
from chatai_core.database.sequences import Sequence
from chatai_core.findings import Finding, Status, grade, graver
from chatai_core.health.database.look import Look
from chatai_core.i18n import _
from chatai_core.settings import DatabaseLimits
from chatai_core.units import show_percent

NAME = "sequences"


def check(look: Look) -> Finding:
    """The worst of them, by what is used up and by the days that are left."""
    rows = sequences.used(look.database, look.before)
    used = [row for row in rows if not row.cycles and row.used_share is not None]
    worst = max(used, key=lambda row: (graver(_status(row, look.limits)), row.used_share or 0), default=None)
    status = _status(worst, look.limits) if worst else "ok"
    if worst and status != "ok":
        return Finding(NAME, status, _summary(worst), _evidence(worst), "chatai db sequences")
    hidden = [row for row in rows if row.state == "hidden"]
    if hidden:
        summary = _("{count} sequences may not be read.").format(count=len(hidden))
        return Finding(NAME, "unknown", summary, {"hidden": _names(hidden)}, rows.reading)
    return Finding(NAME, "ok", _summary(worst) if worst else _("No sequence has been used."), _evidence(worst))


def _status(row: Sequence, limits: DatabaseLimits) -> Status:
    share = grade(row.used_share or 0, warning=limits.sequences_warning, critical=limits.sequences_critical)
    if row.days_left is None or (row.used_share or 0) < 0.01:  # a burst in an empty one is no trend
        return share
    days = grade(-row.days_left, warning=-limits.sequence_days_warning, critical=-limits.sequence_days_critical)
    return max(share, days, key=graver)


def _summary(row: Sequence) -> str:
    name = f"{row.schema}.{row.sequence}"
    if row.days_left is None:
        return _("{share} of the numbers of {name} are used up.").format(
            share=show_percent(row.used_share or 0), name=name
        )
    return _("{share} of the numbers of {name} are used up; it lasts {days:.0f} days more.").format(
        share=show_percent(row.used_share or 0), name=name, days=row.days_left
    )


def _evidence(row: Sequence | None) -> dict[str, object]:
    if row is None:
        return {}
    return {
        "sequence": f"{row.schema}.{row.sequence}",
        "column": row.column and f"{row.table}.{row.column}",
        "type": row.type,
        "last_value": row.last_value,
        "used_share": row.used_share,
        "days_left": row.days_left,
    }


def _names(rows: Many[Sequence]) -> list[str]:
    return [f"{row.schema}.{row.sequence}" for row in rows]
