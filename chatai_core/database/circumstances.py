"""What must be so before the database is worked on: it is no replica, and nobody is there whom that would disturb."""

from chatai_core.adapters.postgres import Database, masked
from chatai_core.database import sessions
from chatai_core.errors import Busy, NotPermitted
from chatai_core.i18n import _

_UNDISTURBED = {"migration", "backup", "restore"}


def must_permit_upkeep(database: Database) -> None:
    """Refuse upkeep of a replica, and what would disturb a migration, a dump or a restore. Raises NotPermitted, Busy.

    A statement that waits behind a dump's lock holds up every query that comes after it.
    """
    must_be_primary(database)
    at_work = [session for session in sessions.lasting(database, 0) if session.protected in _UNDISTURBED]
    if at_work:
        first = at_work[0]
        raise Busy(
            _("A {kind} of this database is under way.").format(kind=first.protected),
            why=_("Upkeep would stand in the way of process {pid} ({application}, role {role}).").format(
                pid=first.pid, application=first.application or "?", role=first.user or "?"
            ),
            hint="chatai db activity",
        )


def must_be_primary(database: Database) -> None:
    """Refuse a change of a replica. Raises NotPermitted."""
    if database.value("SELECT pg_is_in_recovery()"):
        raise NotPermitted(
            _("Nothing can be changed at {url}.").format(url=masked(database.url)),
            why=_("The server is in recovery: it is a replica, and takes its changes from its primary alone."),
            hint="chatai db ping",
        )
