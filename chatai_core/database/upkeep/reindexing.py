"""REINDEX, index by index and while others work; what an interrupted attempt leaves is taken away again."""

from dataclasses import dataclass
from typing import Annotated

from chatai_core.adapters.postgres import Session, identifier, question
from chatai_core.database import circumstances
from chatai_core.database.upkeep import left_over, tasks
from chatai_core.database.upkeep.progress import Tell, Watch, silent, watched
from chatai_core.database.upkeep.reindex_plans import Action, ReindexPlan, Task
from chatai_core.database.upkeep.tending import settings
from chatai_core.errors import Busy, ChataiError, Interrupted, ProgramFailed
from chatai_core.findings import Rows
from chatai_core.i18n import _
from chatai_core.units import Bytes, Detail, Seconds

WAIT: Seconds = 60.0  # for transactions that still use the old index; they do not wait for us

_BLOCKING_WAIT: Seconds = 3.0  # behind a rebuild that waits, everybody waits
_APPLICATION = "chatai db reindex"
_LOCK = int.from_bytes(b"chatrndx", "big")


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What became of one index."""

    schema: str
    table: Annotated[str, Detail]
    index: str
    action: Action
    outcome: tasks.Outcome
    seconds: Seconds | None
    before_bytes: Bytes | None
    after_bytes: Bytes | None
    reason: str | None


def carry_out(url: str, plan: ReindexPlan, *, wait: Seconds = WAIT, tell: Tell = silent) -> Rows[Rebuilt]:
    """Do what was planned, for ``wait`` seconds at most behind others' locks. ``tell`` hears how far it is."""
    if not plan.tasks:
        return Rows([])
    heard = settings(wait) | {"client_min_messages": "notice"}  # pgvector tells so that memory did not suffice
    with Session(url, application=_APPLICATION, settings=heard) as session:
        circumstances.must_permit_upkeep(session.database)
        _must_be_alone(session)
        with watched(url, session.pid, tell) as watch:
            work = _Work(session, watch, min(wait, _BLOCKING_WAIT))
            ended = tasks.carry_out(plan.tasks, work.perform)
    rows = [work.row(task, end) for task, end in zip(plan.tasks, ended, strict=True)]
    return Rows(rows, failure=tasks.failure([identifier(row.schema, row.index) for row in rows], ended))


def _must_be_alone(session: Session) -> None:
    """Two rebuilds would wait for each other until one of them is ended as a deadlock. Raises Busy."""
    if not session.database.value("SELECT pg_try_advisory_lock(%(key)s)", key=_LOCK):
        raise Busy(
            _("Indexes of this database are being rebuilt already."),
            why=_("Another chatai db reindex is at work."),
            hint="chatai db activity",
        )


@dataclass(frozen=True, slots=True)
class _After:
    bytes: int
    is_valid: bool


class _Work:
    """The session in which the indexes are rebuilt, and how each was found afterwards."""

    def __init__(self, session: Session, watch: Watch, patience: Seconds) -> None:
        self._session = session
        self._watch = watch
        self._patience = patience
        self._after: dict[tuple[str, str], int] = {}

    def perform(self, task: Task) -> str | None:
        """Rebuild or drop one index; what the server said of it. Raises what kept it from that."""
        if task.obstacle is not None:
            raise task.obstacle
        before = left_over.of(self._session.database, task.table_oid)
        self._set(task)
        try:
            said = self._session.run(task.statement)
        except KeyboardInterrupt as error:
            raise Interrupted.by(error, why=self._cleared(task, before)) from error
        except ChataiError as error:
            why = f"{self._watch.obstacle or error.why} {self._cleared(task, before)}"
            raise type(error)(error.what, why=why.strip(), hint=error.hint) from error
        self._look_at(task)
        return " ".join(said) or None

    def _set(self, task: Task) -> None:
        self._session.run("RESET ALL")
        given = task.settings | ({"lock_timeout": f"{self._patience}s"} if task.blocks else {})
        for name, value in given.items():
            self._session.run(f"SET {name} = '{value}'")

    def _cleared(self, task: Task, before: list[left_over.Invalid]) -> str:
        """Take away what the attempt has left, over a new connection; what remains of it, in one sentence or none."""
        if task.action == "drop":
            return ""
        try:
            with Session(self._session.url, application=_APPLICATION, settings=settings(self._patience)) as session:
                return left_over.dropped(session, task.table_oid, before, by=self._session.pid) or ""
        except ChataiError:
            return left_over.perhaps()

    def _look_at(self, task: Task) -> None:
        found = self._session.database.one(
            _After, question(__file__, "reindexing_after"), schema=task.schema, index=task.index
        )
        if found is not None:
            self._after[task.schema, task.index] = found.bytes
            if not found.is_valid:
                raise ProgramFailed(_("The index {index} is still invalid.").format(index=task.index))

    def row(self, task: Task, ended: tasks.Ended) -> Rebuilt:
        """What became of an index."""
        return Rebuilt(
            schema=task.schema,
            table=task.table,
            index=task.index,
            action=task.action,
            outcome=ended.outcome,
            seconds=ended.seconds,
            before_bytes=task.bytes,
            after_bytes=self._after.get((task.schema, task.index)),
            reason=ended.reason,
        )
