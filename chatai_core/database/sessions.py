"""Sessions as who wants to end one must know them: who it is, what it does, what protects it, what it takes to end it.

A process number is used again; only together with ``backend_start`` it names one session.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from chatai_core.adapters.postgres import MIGRATION, MIGRATION_LOCK, Database, question
from chatai_core.units import Seconds

Protection = Literal["migration", "backup", "restore", "wraparound", "replication", "index"]

_BACKUPS = {"pg_dump", "pg_dumpall", "pg_basebackup"}
# What pg_dump sends under whatever name; psql's \copy and drivers write STDOUT otherwise, or without the semicolon.
_DUMPING = re.compile(r"COPY .* TO stdout;|LOCK TABLE .* IN ACCESS SHARE MODE", re.DOTALL)
_RESTORING = re.compile(r"COPY .* FROM stdin;", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Session:
    """One process of the server; most is None when the role may not see it (``kind`` is None then).

    ``duration_seconds``: of the running query, or since when an open transaction is idle. ``lacks``: the role that we
    would have to have to end it ("superuser" is one), None when nothing is lacking.
    """

    pid: int
    backend_start: datetime | None
    user: str | None
    application: str | None
    database: str | None
    client: str | None
    kind: str | None
    state: str | None
    duration_seconds: Seconds | None
    transaction_seconds: Seconds | None
    query_start: datetime | None
    query: str | None
    wait: str | None
    leader_pid: int | None
    is_own: bool
    migrates: bool
    builds_concurrently: bool
    lacks: str | None

    @property
    def protected(self) -> Protection | None:
        """Why it must not be ended by the way."""
        application, query = self.application or "", self.query or ""
        if self.migrates or application == MIGRATION or "alembic" in application.lower():
            return "migration"
        if application in _BACKUPS or _DUMPING.match(query):
            return "backup"
        if application == "pg_restore" or _RESTORING.match(query):
            return "restore"
        if self.kind == "autovacuum worker" and "(to prevent wraparound)" in query:
            return "wraparound"
        if self.kind == "walsender" or (self.kind or "").startswith("logical replication"):
            return "replication"
        return "index" if self.builds_concurrently else None


def lasting(database: Database, over: Seconds, *, everywhere: bool = False) -> list[Session]:
    """Sessions whose query or transaction lasts longer than ``over``, the longest first; ours is none of them."""
    return _ask(database, pid=None, over=over, everywhere=everywhere)


def find(database: Database, pid: int) -> Session | None:
    """The session of this process number; None when there is none."""
    return next(iter(_ask(database, pid=pid, over=None, everywhere=True)), None)


def _ask(database: Database, *, pid: int | None, over: Seconds | None, everywhere: bool) -> list[Session]:
    return database.rows(
        Session, question(__file__), pid=pid, over=over, everywhere=everywhere, migration=MIGRATION_LOCK
    )
