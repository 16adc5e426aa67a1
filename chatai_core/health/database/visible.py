"""Who asks, and whether the role sees enough to call anything healthy."""

from chatai_core.database import visibility
from chatai_core.findings import Finding
from chatai_core.health.database.look import Look
from chatai_core.i18n import _

NAME = "visibility"


def check(look: Look) -> Finding:
    """The server, the role, and what is hidden from it."""
    seen = look.visibility
    evidence = {
        "role": seen.role,
        "server_version": seen.version,
        "superuser": seen.is_superuser,
        "in_recovery": seen.in_recovery,
        "sees_sessions": seen.sees_sessions,
    }
    server = _("a replica") if seen.in_recovery else _("a primary")
    who = _("{role} on PostgreSQL {version}, {server}.").format(role=seen.role, version=seen.version, server=server)
    if not seen.sees_sessions:
        hidden = _("It sees only its own sessions, so what others do is unknown.")
        return Finding(NAME, "unknown", f"{who} {hidden}", evidence, seen.grant("pg_monitor"))
    found = visibility.tables(look.database)
    evidence["hidden_tables"] = found.hidden
    if found.hidden:
        hidden = _("It may not read {count} of {tables} tables, so their bloat is unknown.").format(
            count=found.hidden, tables=found.tables
        )
        return Finding(NAME, "unknown", f"{who} {hidden}", evidence, seen.grant("pg_read_all_data"))
    return Finding(NAME, "ok", who, evidence)
