"""Whether vacuum gets its work done, and how much empty space tables carry."""

from chatai_core.database import bloat
from chatai_core.database.bloat import Bloat
from chatai_core.findings import Finding, Skipped, grade
from chatai_core.health.database.look import Look
from chatai_core.i18n import _, plural
from chatai_core.units import show_bytes, show_percent

_NEGLIGIBLE = 2**20  # bytes of a table in which dead rows are not worth a doubt

DEAD, NAME = "dead_rows", "bloat"


def dead(look: Look) -> Finding | Skipped:
    """Tables that autovacuum should have cleaned by now: past their threshold, and a good share of them dead."""
    if look.visibility.in_recovery:
        return Skipped(DEAD, _("A replica does not count dead rows; its primary does."))
    rows = bloat.estimated(look.database)
    due = [row for row in rows if row.is_vacuum_due and (row.dead_share or 0) >= look.limits.dead_warning]
    if due:
        worst = max(due, key=lambda row: row.dead_tuples or 0)
        summary = plural(
            "{count} table waits for vacuum; {share} of the rows of {name} are dead.",
            "{count} tables wait for vacuum; {share} of the rows of {name} are dead.",
            len(due),
        ).format(count=len(due), share=show_percent(worst.dead_share or 0), name=_name(worst))
        evidence = {"tables": {_name(row): row.dead_tuples for row in due[:20]}}
        return Finding(DEAD, "warning", summary, evidence, f"chatai db vacuum {_name(worst)}")
    lost = [row for row in rows if row.dead_tuples is None and (row.table_bytes or 0) >= _NEGLIGIBLE]
    if lost:
        summary = plural(
            "The dead rows of {count} table are not known: a crash or a reset has taken the counters.",
            "The dead rows of {count} tables are not known: a crash or a reset has taken the counters.",
            len(lost),
        ).format(count=len(lost))
        return Finding(DEAD, "unknown", summary, {"tables": [_name(row) for row in lost[:20]]}, "chatai db analyze")
    good = _("No table waits for vacuum with {share} of its rows dead.")
    return Finding(DEAD, "ok", good.format(share=show_percent(look.limits.dead_warning)))


def check(look: Look) -> Finding | Skipped:
    """Empty space in tables and in their btree indexes; where it cannot be known, that is said."""
    if look.visibility.in_recovery:
        return Skipped(NAME, _("A replica does not count what has changed; its primary does."))
    limits = look.limits
    rows = bloat.estimated(look.database)
    worst = max((row for row in rows if _counts(row, limits.bloat_share)), key=_empty, default=None)
    status = grade(_empty(worst) if worst else 0, warning=limits.bloat_warning, critical=limits.bloat_critical)
    if worst and status != "ok":
        evidence = {"table": _name(worst), "bloat_bytes": worst.bloat_bytes, "index_bytes": worst.index_bloat_bytes}
        return Finding(NAME, status, _told(worst), evidence, "chatai db bloat")
    unseen = [row for row in rows if row.bloat_bytes is None and (row.table_bytes or 0) >= limits.bloat_warning]
    if unseen:
        summary = _("The bloat of {name} cannot be known: {reason}").format(
            name=_name(unseen[0]), reason=unseen[0].reason or "?"
        )
        return Finding(NAME, "unknown", summary, {"tables": [_name(row) for row in unseen[:20]]}, "chatai db bloat")
    hidden = max(rows, key=lambda row: row.indexes_unknown_bytes, default=None)
    if hidden and hidden.indexes_unknown_bytes >= limits.bloat_warning:
        return _unestimated(hidden)
    return Finding(
        NAME, "ok", _("No table carries {size} of empty space.").format(size=show_bytes(limits.bloat_warning))
    )


def _told(row: Bloat) -> str:
    table, indexes = row.bloat_bytes or 0, row.index_bloat_bytes or 0
    if indexes <= table:
        return _("{size} of {name} are empty ({share} of the table).").format(
            size=show_bytes(table + indexes), name=_name(row), share=show_percent(row.bloat_share or 0)
        )
    if table == 0:
        return _("{size} of the indexes of {name} are empty.").format(size=show_bytes(indexes), name=_name(row))
    return _("{size} of the indexes of {name} are empty, and {table} of the table itself.").format(
        size=show_bytes(indexes), name=_name(row), table=show_bytes(table)
    )


def _unestimated(row: Bloat) -> Finding:
    """Partial indexes and the like, or those of a table that is too small or too much changed, whatever their size."""
    sentence = plural(
        "The bloat of {count} index of {name} ({size}) cannot be estimated.",
        "The bloat of {count} indexes of {name} ({size}) cannot be estimated.",
        row.indexes_unknown,
    ).format(count=row.indexes_unknown, name=_name(row), size=show_bytes(row.indexes_unknown_bytes))
    evidence = {"table": _name(row), "indexes": row.indexes_unknown, "bytes": row.indexes_unknown_bytes}
    summary = f"{sentence} {row.reason or ''}".strip()
    return Finding(NAME, "unknown", summary, evidence, f"chatai db bloat {_name(row)} --exact")


def _counts(row: Bloat, share: float) -> bool:
    return (row.bloat_share or 0) >= share or bool(row.index_bloat_bytes)


def _empty(row: Bloat) -> int:
    return (row.bloat_bytes or 0) + (row.index_bloat_bytes or 0)


def _name(row: Bloat) -> str:
    return f"{row.schema}.{row.table}"
