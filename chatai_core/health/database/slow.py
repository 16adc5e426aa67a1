"""Whether slow statements take much of the time."""

from chatai_core.database import slow
from chatai_core.findings import Finding
from chatai_core.health.database.look import Look
from chatai_core.i18n import _
from chatai_core.units import show_percent

NAME = "slow_statements"
_BLIND = {"not_installed", "not_loaded", "not_created", "unreadable", "not_recording"}


def check(look: Look) -> Finding:
    """Statements with a long mean that also take a good share of all time."""
    state = slow.state(look.database)
    if state.name in _BLIND:
        return Finding(NAME, "unknown", state.sentence, {"state": state.name}, state.remedy)
    limits = look.limits
    rows = slow.statements(look.database, over=limits.slow_ms, limit=None)
    worst = next((row for row in rows if row.share >= limits.slow_share), None)
    if worst is None:
        good = _("No statement of {limit:g} ms or more takes {share} of all time.").format(
            limit=limits.slow_ms, share=show_percent(limits.slow_share)
        )
        return Finding(NAME, "ok", good, {"state": state.name})
    summary = _("A statement of {mean:.0f} ms takes {share} of all time: {begins}").format(
        mean=worst.mean_ms, share=show_percent(worst.share), begins=worst.begins
    )
    evidence = {"mean_ms": worst.mean_ms, "calls": worst.calls, "share": worst.share, "queryid": worst.queryid}
    return Finding(NAME, "warning", summary, evidence, "chatai db slow")
