"""Who is connected, and what every session does."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from chatai_core.adapters.postgres import Database, question
from chatai_core.database import statements, visibility
from chatai_core.errors import Misused
from chatai_core.findings import Rows
from chatai_core.i18n import _
from chatai_core.units import Detail, Seconds

STATES = (
    "active",
    "idle",
    "idle in transaction",
    "idle in transaction (aborted)",
    "fastpath function call",
    "disabled",
)
_REPLACED = ("?", "\\x{:02x}")
_LONGEST_NAME = 63


@dataclass(frozen=True, slots=True)
class Activity:
    """One session; its state, query and times are None when they are hidden from us.

    ``query`` is the running one, or the last one. ``duration_seconds`` is how long that runs, or how long the session
    is in its state. ``workers`` are those that help it with a parallel query.
    """

    pid: int
    backend_start: Annotated[datetime | None, Detail]
    user: str | None
    application: str | None
    state: str | None
    duration_seconds: Seconds | None
    query: Annotated[str | None, Detail]
    begins: str
    wait: str | None
    client: Annotated[str | None, Detail]
    transaction_seconds: Annotated[Seconds | None, Detail]
    database: Annotated[str | None, Detail]
    kind: Annotated[str | None, Detail]
    leader_pid: Annotated[int | None, Detail]
    workers: Annotated[int, Detail]


def sessions(
    database: Database,
    *,
    user: str | None = None,
    application: str | None = None,
    state: str | None = None,
    limit: int | None = None,
    everywhere: bool = False,
) -> Rows[Activity]:
    """The sessions of this database but ours, the active first, the longest of a state first.

    ``everywhere``: of every database, and the server's own processes. Raises Misused for a state that is none.
    """
    rows = database.rows(
        _row,
        question(__file__),
        user=user,
        applications=None if application is None else _spellings(application),
        state=None if state is None else _state(state),
        limit=limit,
        everywhere=everywhere,
    )
    return Rows(rows, visibility.look(database).sessions_hidden)


def _state(text: str) -> str:
    """A state as PostgreSQL writes it; idle-in-transaction will do."""
    state = " ".join(text.lower().replace("-", " ").replace("_", " ").split())
    if state not in STATES:
        raise Misused(
            _("{state} is not a state of a session.").format(state=repr(text)),
            why=_("There are: {states}.").format(states=", ".join(STATES)),
            hint="--state active",
        )
    return state


def _spellings(application: str) -> list[str]:
    r"""How PostgreSQL may keep the name: whole in ASCII, with ? for other bytes, since 16 with \xNN.

    >>> _spellings("Чат")
    ['Чат', '??????', '\\xd0\\xa7\\xd0\\xb0\\xd1\\x82']
    """
    given = application.encode()
    kept = ["".join(chr(byte) if 32 <= byte <= 126 else other.format(byte) for byte in given) for other in _REPLACED]
    return [spelling[:_LONGEST_NAME] for spelling in (application, *kept)]


def _row(query: str | None, **others: Any) -> Activity:
    text = statements.shown(query)
    return Activity(query=text, begins=statements.begins(text), **others)
