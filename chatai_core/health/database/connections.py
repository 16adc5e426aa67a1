"""Whether there is room for more clients."""

from chatai_core.database import connections
from chatai_core.findings import Finding, grade
from chatai_core.health.database.look import Look
from chatai_core.i18n import _

NAME = "connections"


def check(look: Look) -> Finding:
    """The clients of all databases against what this role may still use."""
    found = connections.count(look.database)
    share = found.used_share if found.used_share is not None else 1.0
    summary = _("{used} of {usable} usable connections are in use.").format(used=found.used, usable=found.usable)
    status = grade(share, warning=look.limits.connections_warning, critical=look.limits.connections_critical)
    evidence = {"used": found.used, "usable": found.usable, "max": found.max, "share": round(share, 4)}
    return Finding(NAME, status, summary, evidence, None if status == "ok" else "chatai db connections")
