"""How much PostgreSQL finds in its own cache: told, never judged."""

from chatai_core.database import cache_hit
from chatai_core.findings import Finding, Skipped
from chatai_core.health.database.look import Look
from chatai_core.i18n import _
from chatai_core.units import show_percent

NAME = "cache_hit"


def check(look: Look) -> Finding | Skipped:
    """The share of the whole database; a low one may be a nightly report, so there is no limit."""
    total = next(iter(cache_hit.shares(look.database, limit=0)), None)
    if total is None or total.hit_share is None:
        return Skipped(NAME, _("Nothing was read yet."))
    summary = _("{share} of what was read came from the cache.").format(share=show_percent(total.hit_share))
    return Finding(NAME, "ok", summary, {"hit_share": total.hit_share, "read_bytes": total.read_bytes})
