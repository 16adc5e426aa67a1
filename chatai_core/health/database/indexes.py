"""Whether indexes work, and whether some of them only cost."""

from collections.abc import Callable, Sequence

from chatai_core.database import duplicate_indexes, indexes, unused_indexes
from chatai_core.database.duplicate_indexes import DuplicateIndex
from chatai_core.database.unused_indexes import UnusedIndex
from chatai_core.findings import Finding
from chatai_core.health.database.look import Look
from chatai_core.i18n import _, plural
from chatai_core.units import show_bytes

INVALID, UNUSED, DUPLICATE = "invalid_indexes", "unused_indexes", "duplicate_indexes"
_BROKEN = {"invalid", "incomplete"}


def invalid(look: Look) -> Finding:
    """Indexes that a failed build has left: every write keeps them, no query uses them."""
    found = indexes.unfinished(look.database)
    broken = [index for index in found if index.state in _BROKEN]
    evidence = {"indexes": {index.name: index.state for index in found[:20]}}
    if broken:
        summary = plural(
            "The index {name} does not work.", "{count} indexes do not work, {name} among them.", len(broken)
        ).format(count=len(broken), name=broken[0].name)
        return Finding(INVALID, "warning", summary, evidence, "chatai db indexes --invalid")
    if any("invalid" in index.state for index in found):
        summary = _("Whether {name} is being built or has failed is hidden from {role}.")
        name = next(index.name for index in found if "invalid" in index.state)
        hidden = summary.format(name=name, role=look.visibility.role)
        return Finding(INVALID, "unknown", hidden, evidence, look.visibility.grant("pg_monitor"))
    return Finding(INVALID, "ok", _("All indexes work."), evidence if found else {})


def unused(look: Look) -> Finding:
    """Indexes of some size that nothing has scanned for long enough."""
    found = unused_indexes.judged(
        look.database,
        look.directory,
        least_bytes=look.limits.unused_bytes,
        min_age_days=look.limits.unused_days,
    )
    return _wasted(
        UNUSED,
        [row for row in found if row.verdict == "drop"],
        good=_("No index of {size} or more is proved to be unused."),
        bad=lambda count: plural("{count} unused index takes {size}.", "{count} unused indexes take {size}.", count),
        look=look,
        remedy="chatai db unused-indexes",
    )


def duplicate(look: Look) -> Finding:
    """Indexes of some size whose work another one does as well."""
    rows = duplicate_indexes.found(look.database, least_bytes=look.limits.unused_bytes)
    return _wasted(
        DUPLICATE,
        rows,
        good=_("No index of {size} or more repeats another."),
        bad=lambda count: plural(
            "{count} index repeats another and takes {size}.", "{count} indexes repeat others and take {size}.", count
        ),
        look=look,
        remedy="chatai db duplicate-indexes",
    )


def _wasted(
    name: str,
    rows: Sequence[UnusedIndex | DuplicateIndex],
    *,
    good: str,
    bad: Callable[[int], str],
    look: Look,
    remedy: str,
) -> Finding:
    if not rows:
        return Finding(name, "ok", good.format(size=show_bytes(look.limits.unused_bytes)))
    size = sum(row.size_bytes or 0 for row in rows)
    evidence = {"bytes": size, "indexes": [f"{row.schema}.{row.index}" for row in rows[:20]]}
    return Finding(name, "warning", bad(len(rows)).format(count=len(rows), size=show_bytes(size)), evidence, remedy)
