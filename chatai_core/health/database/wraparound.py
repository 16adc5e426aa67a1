"""Whether transaction numbers run out, and who keeps vacuum from its work."""

from chatai_core.database import wraparound
from chatai_core.findings import Finding, grade
from chatai_core.health.database.look import Look
from chatai_core.i18n import _
from chatai_core.units import show_percent

NAME, HORIZON = "wraparound", "xmin_horizon"


def check(look: Look) -> Finding:
    """Transactions and multixacts of every database of the server: the oldest one stops them all."""
    found = wraparound.ages(look.database, limit=3)
    oldest = max(found.databases, key=lambda one: max(one.txid_share, one.mxid_share))
    share = max(oldest.txid_share, oldest.mxid_share)
    status = grade(share, warning=look.limits.wraparound_warning, critical=look.limits.wraparound_critical)
    summary = _("{share} of the transaction numbers are used up, most in the database {name}.").format(
        share=show_percent(share), name=oldest.database
    )
    evidence = {
        "database": oldest.database,
        "txid_age": oldest.txid_age,
        "txid_share": oldest.txid_share,
        "mxid_age": oldest.mxid_age,
        "mxid_share": oldest.mxid_share,
        "oldest_tables": [f"{table.schema}.{table.table}" for table in found.tables],
    }
    return Finding(NAME, status, summary, evidence, None if status == "ok" else "chatai db wraparound")


def horizon(look: Look) -> Finding:
    """Sessions, prepared transactions, slots and standbys for which dead rows are kept."""
    holders = wraparound.holders(look.database, limit=5)
    if not look.visibility.sees_sessions and (not holders or holders[0].txid_age < look.limits.horizon_warning):
        hidden = _("Whether another role's session keeps dead rows alive is hidden from {role}.")
        return Finding(
            HORIZON,
            "unknown",
            hidden.format(role=look.visibility.role),
            remedy=look.visibility.grant("pg_monitor"),
        )
    if not holders or not holders[0].txid_age:
        return Finding(HORIZON, "ok", _("Nobody keeps dead rows alive."))
    oldest = holders[0]
    status = grade(oldest.txid_age, warning=look.limits.horizon_warning, critical=look.limits.horizon_critical)
    summary = _("Dead rows of the last {age} transactions are kept for {kind} {who}.").format(
        age=oldest.txid_age, kind=oldest.kind, who=oldest.name or oldest.pid or "?"
    )
    evidence = {"kind": oldest.kind, "pid": oldest.pid, "name": oldest.name, "txid_age": oldest.txid_age}
    return Finding(
        HORIZON, status, summary, evidence, None if status == "ok" else oldest.remedy or "chatai db wraparound"
    )
