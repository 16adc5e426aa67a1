"""How many sessions there are, and how many there may be."""

from dataclasses import dataclass

from chatai_core.adapters.postgres import Database, identifier, question
from chatai_core.i18n import _
from chatai_core.units import Percent


@dataclass(frozen=True, slots=True)
class Connections:
    """The clients of all databases, against what the server, the role and the database allow.

    ``usable``: how many clients there can be until this role is refused another: ``max`` without the ``reserved``
    places (of superusers and of pg_use_reserved_connections, which whoever has this role may use), or less where the
    CONNECTION LIMIT of the role or of the database comes first. ``used_share`` is how full the fullest of the three is.
    Walsenders and the server's own processes have places of their own.
    """

    used: int
    usable: int
    max: int
    reserved: int
    by_state: dict[str, int]
    by_application: dict[str, int]
    by_user: dict[str, int]
    by_database: dict[str, int]
    used_share: Percent | None
    role: str
    role_used: int
    role_limit: int | None
    database: str
    database_used: int
    database_limit: int | None
    walsenders: int
    max_walsenders: int
    background: int

    @property
    def reading(self) -> str | None:
        """What a role that may not see other sessions is told."""
        hidden = self.by_state.get("hidden")
        if not hidden:
            return None
        return _("The states of {count} sessions are hidden from {role}: {grant};").format(
            count=hidden, role=self.role, grant=f"GRANT pg_monitor TO {identifier(self.role)}"
        )


def count(database: Database) -> Connections:
    """All sessions of the server, counted. Raises Busy when it has no place for the question itself."""
    return database.rows(Connections, question(__file__))[0]
