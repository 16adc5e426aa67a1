"""Whether extensions and collations are still those that the database was made with."""

from chatai_core.database import extensions
from chatai_core.findings import Finding, Skipped
from chatai_core.health.database.look import Look
from chatai_core.i18n import _

EXTENSIONS, COLLATIONS = "extensions", "collations"


def check(look: Look) -> Finding:
    """Extensions whose files on the server are newer, or gone."""
    found = extensions.installed(look.database)
    outdated = [one for one in found if one.outdated]
    evidence = {one.name: {"version": one.version, "available": one.available} for one in found}
    if not outdated:
        return Finding(EXTENSIONS, "ok", _("{count} extensions are up to date.").format(count=len(found)), evidence)
    names = ", ".join(f"{one.name} {one.version} → {one.available or '?'}" for one in outdated)
    gone = [one for one in outdated if one.available is None]
    summary = _("Extensions are of another version than the server's: {names}.").format(names=names)
    remedy = next((f"{statement};" for one in outdated for statement in one.repair), "chatai db extensions")
    return Finding(EXTENSIONS, "critical" if gone else "warning", summary, evidence, remedy)


def collations(look: Look) -> Finding | Skipped:
    """Collations whose order has changed under the indexes that were built with them: rows may not be found."""
    found = extensions.collations(look.database)
    if not found:
        return Skipped(COLLATIONS, _("No collation in use has a version."))
    outdated = [one for one in found if one.outdated]
    evidence = {one.name: {"version": one.version, "now": one.available} for one in found}
    if not outdated:
        return Finding(COLLATIONS, "ok", _("No collation has changed under an index."), evidence)
    indexes = sum(one.indexes or 0 for one in outdated)
    summary = _("{names} sort otherwise than when {count} indexes were built: rows may not be found.").format(
        names=", ".join(one.name for one in outdated), count=indexes
    )
    return Finding(COLLATIONS, "critical" if indexes else "warning", summary, evidence, "chatai db extensions")
