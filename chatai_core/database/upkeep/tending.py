"""ANALYZE and VACUUM, table by table: none is skipped unseen, and nobody is kept waiting."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from chatai_core.adapters import postgres
from chatai_core.adapters.postgres import Database, Session, identifier, question
from chatai_core.database import circumstances, relations, unlocked
from chatai_core.database.upkeep import tasks
from chatai_core.database.upkeep.progress import Tell, Watch, silent, watched
from chatai_core.errors import Busy, ChataiError, NotPermitted, ProgramFailed
from chatai_core.findings import Rows
from chatai_core.i18n import _, plural
from chatai_core.plans import Plan
from chatai_core.units import Bytes, Detail, Seconds

Action = Literal["analyze", "vacuum"]
WAIT: Seconds = 3.0

_ONLY_SINCE = 180000  # ANALYZE of a partitioned table goes through its partitions unless told ONLY, known since 18


@dataclass(frozen=True, slots=True)
class Task:
    """One table and what is done to it; ``obstacle`` is why it cannot be. ``bytes`` is None while it is locked."""

    oid: int
    schema: str
    table: str
    statement: str
    bytes: Bytes | None
    dead_rows: int | None
    obstacle: ChataiError | None


@dataclass(frozen=True, slots=True)
class UpkeepPlan(Plan):
    """What will be done, table by table."""

    action: Action = "analyze"
    tasks: list[Task] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Tended:
    """What became of one table; ``dead_rows_removed`` is None where it is not known, as in ANALYZE."""

    schema: str
    table: str
    action: Annotated[Action, Detail]
    outcome: tasks.Outcome
    seconds: Seconds | None
    before_bytes: Annotated[Bytes | None, Detail]
    after_bytes: Bytes | None
    dead_rows_removed: int | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class _Table:
    oid: int
    schema: str
    table: str
    is_partitioned: bool
    owner: str
    may: bool
    remedy: str | None
    bytes: int | None
    dead: int | None

    @property
    def obstacle(self) -> NotPermitted | None:
        if self.may:
            return None
        return NotPermitted(
            _("The table {table} may not be tended by this role.").format(table=identifier(self.schema, self.table)),
            why=_("It belongs to {owner}.").format(owner=self.owner),
            hint=self.remedy or "",
        )


def plan_analyze(database: Database, tables: Sequence[str] = (), *, system: bool = False) -> UpkeepPlan:
    """What ANALYZE of these tables (all of them; the server's own too) will do. Raises NotFound, NotPermitted, Busy."""
    return _planned(database, "analyze", tables, "", system)


def plan_vacuum(
    database: Database, tables: Sequence[str] = (), *, freeze: bool = False, system: bool = False
) -> UpkeepPlan:
    """What VACUUM (ANALYZE) of these tables (all of them; the server's own too) will do. Raises as plan_analyze."""
    return _planned(database, "vacuum", tables, "VACUUM (FREEZE, ANALYZE)" if freeze else "VACUUM (ANALYZE)", system)


def _planned(database: Database, action: Action, tables: Sequence[str], vacuum: str, system: bool) -> UpkeepPlan:
    chosen = relations.named(database, tables) or None
    circumstances.must_permit_upkeep(database)
    found = unlocked.rows(database, _Table, question(__file__), chosen=chosen, system=system)
    only = "ONLY " if database.value("SELECT current_setting('server_version_num')::int") >= _ONLY_SINCE else ""
    todo = [_task(table, vacuum, only) for table in found]
    tasks.must_be_possible([task.obstacle for task in todo])
    return UpkeepPlan(
        summary=_summary(action, postgres.name_of(database.url), todo),
        steps=[_step(task) for task in todo],
        statements=[task.statement for task in todo if not task.obstacle],
        action=action,
        tasks=todo,
    )


def _task(table: _Table, vacuum: str, only: str) -> Task:
    name = identifier(table.schema, table.table)
    statement = f"ANALYZE {only}{name}" if table.is_partitioned else f"{vacuum or 'ANALYZE'} {name}"
    return Task(table.oid, table.schema, table.table, statement, table.bytes, table.dead, table.obstacle)


def _summary(action: Action, database: str, todo: list[Task]) -> str:
    size = tasks.measured([task.bytes for task in todo])
    count = plural("{count} table", "{count} tables", len(todo)).format(count=len(todo))
    sentence = (
        _("Analyze {count} of the database {database} ({size}), one after the other.")
        if action == "analyze"
        else _("Vacuum and analyze {count} of the database {database} ({size}), one after the other.")
    )
    harm = _("Reads and writes go on; schema changes of the table wait (ShareUpdateExclusiveLock).")
    return f"{sentence.format(count=count, database=database, size=size)} {harm}"


def _step(task: Task) -> str:
    name = identifier(task.schema, task.table)
    if task.obstacle:
        return _("{table}: not done. {reason}").format(table=name, reason=task.obstacle.why)
    return _("{table}: {size}, {dead} dead rows").format(
        table=name, size=tasks.measured([task.bytes]), dead="?" if task.dead_rows is None else task.dead_rows
    )


def carry_out(url: str, plan: UpkeepPlan, *, wait: Seconds = WAIT, tell: Tell = silent) -> Rows[Tended]:
    """Do what was planned; a table that is locked for ``wait`` seconds has failed. ``tell`` hears how far it is."""
    if not plan.tasks:
        return Rows([])
    with Session(url, application=f"chatai db {plan.action}", settings=settings(wait)) as session:
        circumstances.must_permit_upkeep(session.database)
        with watched(url, session.pid, tell) as watch:
            work = _Work(plan.action, session, watch)
            ended = tasks.carry_out(plan.tasks, work.perform)
    rows = [work.row(task, end) for task, end in zip(plan.tasks, ended, strict=True)]
    return Rows(rows, failure=tasks.failure([identifier(row.schema, row.table) for row in rows], ended))


def settings(wait: Seconds) -> dict[str, str]:
    """What holds in a session of upkeep, which only its locks may hold up."""
    return {
        "lock_timeout": f"{max(round(wait * 1000), 1)}ms",
        "statement_timeout": "0",
        "idle_in_transaction_session_timeout": "0",
        "client_min_messages": "warning",
        "client_connection_check_interval": "1s",  # when we are killed, the server ends our statement too
    }


@dataclass(frozen=True, slots=True)
class _Measured:
    bytes: int | None
    dead: int | None


class _Work:
    """The session in which the tables are tended, and how each was found afterwards."""

    def __init__(self, action: Action, session: Session, watch: Watch) -> None:
        self._action = action
        self._session = session
        self._watch = watch
        self._after: dict[int, _Measured] = {}

    def perform(self, task: Task) -> str | None:
        """Tend one table. Raises what kept it from that."""
        if task.obstacle is not None:
            raise task.obstacle
        try:
            warnings = self._session.run(task.statement)
        except Busy as error:
            raise Busy(error.what, why=self._watch.obstacle or error.why) from error
        if warnings:  # a table that is skipped is no error to PostgreSQL
            raise ProgramFailed(_("PostgreSQL has warned."), why=" ".join(warnings))
        self._measure(task)
        return None

    def _measure(self, task: Task) -> None:
        try:
            seen = self._session.database.one(_Measured, question(__file__, "tending_after"), oid=task.oid)
        except ChataiError:
            return  # it was tended all the same
        if seen is not None:
            self._after[task.oid] = seen

    def row(self, task: Task, ended: tasks.Ended) -> Tended:
        """What became of a table."""
        after = self._after.get(task.oid, _Measured(None, None))
        known = self._action == "vacuum" and None not in {task.dead_rows, after.dead}
        return Tended(
            schema=task.schema,
            table=task.table,
            action=self._action,
            outcome=ended.outcome,
            seconds=ended.seconds,
            before_bytes=task.bytes,
            after_bytes=after.bytes,
            dead_rows_removed=max((task.dead_rows or 0) - (after.dead or 0), 0) if known else None,
            reason=ended.reason,
        )
