"""Triggers that somebody put on the tables: silent while rows are made to fit and tokens are still plaintext."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatai_core.adapters.postgres import identifier, question
from chatai_core.migrations.adoption import catalog

if TYPE_CHECKING:
    from sqlalchemy import Connection

_STATES = {"O": "ENABLE", "A": "ENABLE ALWAYS", "R": "ENABLE REPLICA"}


@dataclass(frozen=True, slots=True)
class Trigger:
    """One that is not PostgreSQL's own and not disabled; ``state`` is when it fires, as in pg_trigger.tgenabled."""

    table: str
    name: str
    state: str

    def silencing(self) -> str:
        """Disable it."""
        return f"ALTER TABLE {self.table} DISABLE TRIGGER {identifier(self.name)}"

    def waking(self) -> str:
        """Let it fire as it did."""
        return f"ALTER TABLE {self.table} {_STATES[self.state]} TRIGGER {identifier(self.name)}"


def found(connection: "Connection") -> list[Trigger]:
    """Those on the tables of a former ChatAI."""
    return catalog.asked(connection, Trigger, question(__file__))
