"""How much of the server the role may see: what it cannot see, it must not call healthy."""

from dataclasses import dataclass

from chatai_core.adapters.postgres import Database, identifier, question
from chatai_core.i18n import _


@dataclass(frozen=True, slots=True)
class Visibility:
    """The server as this role meets it. ``sees_sessions``: other roles' queries and times (pg_read_all_stats)."""

    server_version: int
    role: str
    is_superuser: bool
    sees_sessions: bool
    reads_settings: bool
    may_signal: bool
    in_recovery: bool

    @property
    def version(self) -> str:
        """The server's version as people write it: 18.1."""
        return f"{self.server_version // 10000}.{self.server_version % 10000}"

    def grant(self, to_be_granted: str) -> str:
        """The statement that opens what is hidden, as an administrator types it."""
        return f"GRANT {to_be_granted} TO {identifier(self.role)}"

    @property
    def sessions_hidden(self) -> str | None:
        """What is to be said beside sessions when other roles' are hidden; None when they are not."""
        if self.sees_sessions:
            return None
        return _("The role {role} sees only its own sessions: {grant};").format(
            role=self.role, grant=self.grant("pg_monitor")
        )


def look(database: Database) -> Visibility:
    """What the role of this connection may see."""
    return database.rows(Visibility, question(__file__))[0]


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables and materialized views of a database, and how many of them the role may not SELECT from."""

    tables: int
    hidden: int


def tables(database: Database) -> Tables:
    """Whether the role may read what the database holds."""
    return database.rows(Tables, question(__file__, "visibility_tables"))[0]
