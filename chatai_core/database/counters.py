"""Since when the server counts: what was reset, and what a crash has lost."""

from datetime import datetime

from chatai_core.adapters.postgres import Database, question
from chatai_core.i18n import _


def since(database: Database) -> datetime:
    """From when on the counters of this database's tables and indexes have counted.

    A crash loses them and says so nowhere but in the reset times of the server's own counters, of which each can be
    reset by itself too: the oldest of those is the crash, or the making of the server.
    """
    began: datetime = database.value(question(__file__))
    return began


def told(began: datetime) -> str:
    """The sentence beside a report that counts."""
    return _("Counted since {time}.").format(time=f"{began.astimezone():%Y-%m-%d %H:%M}")
