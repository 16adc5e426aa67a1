"""Which indexes will be rebuilt, what each gets and what it holds up; which leftovers of such rebuilds will go."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from chatai_core.adapters import postgres
from chatai_core.adapters.postgres import Database, identifier, question
from chatai_core.database import circumstances, relations, size, unlocked
from chatai_core.database.upkeep import index_builds, tasks
from chatai_core.errors import Busy, CannotCreate, ChataiError, Misused, NotPermitted
from chatai_core.i18n import _, plural
from chatai_core.plans import Plan
from chatai_core.units import Bytes, show_bytes

Action = Literal["rebuild", "drop"]
_MEMORY = re.compile(r"([1-9]\d{0,9})(kB|MB|GB)")
_KILOBYTES = {"kB": 1, "MB": 1 << 10, "GB": 1 << 20}
_MEMORY_LEAST, _MEMORY_MOST = 1 << 10, (1 << 31) - 1  # kB: what PostgreSQL 14 takes; 17 takes less, too


@dataclass(frozen=True, slots=True)
class Task:
    """One index and what is done to it. ``settings`` hold while it is; ``obstacle`` is why it cannot be done."""

    schema: str
    table: str
    index: str
    action: Action
    statement: str
    bytes: Bytes | None
    settings: dict[str, str]
    obstacle: ChataiError | None
    table_oid: int
    remark: str = ""

    @property
    def blocks(self) -> bool:
        """Whether others have to wait while it is done."""
        return " CONCURRENTLY " not in self.statement.partition('"')[0]


@dataclass(frozen=True, slots=True)
class ReindexPlan(Plan):
    """What will be done, index by index."""

    tasks: list[Task] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Index:
    oid: int
    table_oid: int
    schema: str
    table: str
    index: str
    method: str
    options: list[str] | None
    rows: float
    dimensions: int | None
    bytes: int | None
    is_in_default_tablespace: bool
    is_left_over: bool
    is_exclusion: bool
    is_system: bool
    owner: str
    owns: bool
    may: bool
    remedy: str | None
    worker: int | None

    @property
    def name(self) -> str:
        return identifier(self.schema, self.index)

    @property
    def blocks(self) -> str | None:
        """Why it cannot be rebuilt while others work; None when it can."""
        if self.is_exclusion:
            return _("It belongs to an exclusion constraint.")
        return _("It belongs to the server's own catalogue.") if self.is_system else None


@dataclass(frozen=True, slots=True)
class _Means:
    """What a rebuild may count on."""

    free: int | None
    is_local: bool
    blocking: bool
    memory: str | None
    server: index_builds.Server


def rebuild(
    database: Database, names: Sequence[str] = (), *, blocking: bool = False, memory: str | None = None,
    system: bool = False,
) -> ReindexPlan:  # fmt: skip
    """What rebuilding these indexes (those of these tables; all) will do.

    ``blocking`` allows REINDEX without CONCURRENTLY where PostgreSQL has no other. ``memory`` is each build's
    maintenance_work_mem. Raises NotFound, Misused, NotPermitted, CannotCreate, Busy.
    """
    _must_be_memory(memory)
    found = _found(database, names, system)
    room = size.disk(database)
    means = _Means(room.free_bytes, room.free_bytes is not None, blocking, memory, index_builds.server(database))
    todo = [_rebuilt(index, means) for index in found if not index.is_left_over]
    tasks.must_be_possible([task.obstacle for task in todo])
    left = [index for index in found if index.is_left_over]
    free = (
        _("The server's disk: its free space is unknown. {reason}").format(reason=room.reason)
        if room.free_bytes is None
        else _("The server's disk has {free} free.").format(free=show_bytes(room.free_bytes))
    )
    return ReindexPlan(
        summary=_summary(postgres.name_of(database.url), todo),
        steps=[free, *map(_step, todo), *map(_left, left)] if todo else [*map(_left, left)],
        statements=[line for task in todo if not task.obstacle for line in (*_sets(task), task.statement)],
        tasks=todo,
    )


def clean(database: Database, names: Sequence[str] = (), *, system: bool = False) -> ReindexPlan:
    """Which invalid copies that interrupted rebuilds left will be dropped. Raises NotFound, NotPermitted, Busy."""
    todo = [_dropped(index) for index in _found(database, names, system) if index.is_left_over]
    tasks.must_be_possible([task.obstacle for task in todo])
    sentence = _("Drop what interrupted rebuilds have left in the database {database}: {count}.").format(
        database=postgres.name_of(database.url), count=_count(todo)
    )
    return ReindexPlan(
        summary=f"{sentence} {_harm(todo)}",
        steps=[_step(task) for task in todo],
        statements=[task.statement for task in todo if not task.obstacle],
        tasks=todo,
    )


def _must_be_memory(given: str | None) -> None:
    found = _MEMORY.fullmatch("1MB" if given is None else given)
    if not found or not _MEMORY_LEAST <= int(found[1]) * _KILOBYTES[found[2]] <= _MEMORY_MOST:
        raise Misused(
            _("{given} is no amount of memory.").format(given=given),
            why=_("It is a whole number with kB, MB or GB behind it, from 1MB to 2047GB."),
            hint="--maintenance-work-mem 2GB",
        )


def _found(database: Database, names: Sequence[str], system: bool) -> list[_Index]:
    chosen = relations.named(database, names, (*relations.INDEXES, *relations.TABLES)) or None
    circumstances.must_permit_upkeep(database)
    return unlocked.rows(database, _Index, question(__file__), chosen=chosen, system=system)


def _rebuilt(index: _Index, means: _Means) -> Task:
    concurrently = "" if index.blocks else "CONCURRENTLY "
    given, remark = _settings(index, means)
    return Task(
        index.schema, index.table, index.index, "rebuild", f"REINDEX INDEX {concurrently}{index.name}", index.bytes,
        given, _obstacle(index, means), index.table_oid, remark,
    )  # fmt: skip


def _settings(index: _Index, means: _Means) -> tuple[dict[str, str], str]:
    """What a build gets besides, and what is to be said of it."""
    given = {"maintenance_work_mem": means.memory} if means.memory else {}
    rows = index.rows if index.rows >= 0 else (index.bytes or 0) / 4 / max(index.dimensions or 1, 1)
    needed = index_builds.memory(index.method, rows, max(index.dimensions or 0, 0), index.options or [])
    if needed is None:
        return given, ""
    needs = means.server.grants(needed, is_local=means.is_local)
    remark = _("it is built in about {needed} of memory and gets {granted}").format(
        needed=show_bytes(needs.memory), granted=means.memory or show_bytes(needs.granted)
    )
    return needs.settings | given, remark


def _obstacle(index: _Index, means: _Means) -> ChataiError | None:
    if not index.may:
        return _not_ours(index)
    if index.blocks and not means.blocking:
        return Misused(
            _("The index {index} cannot be rebuilt while others work.").format(index=index.name),
            why=_("{reason} Without CONCURRENTLY its table can neither be written nor well be read meanwhile.").format(
                reason=index.blocks
            ),
            hint="--blocking",
        )
    return no_room(index.name, index.bytes or 0, means.free if index.is_in_default_tablespace else None)


def no_room(name: str, needed: Bytes, free: Bytes | None) -> CannotCreate | None:
    """The error of an index whose copy does not fit on the disk; None when it does, or when nobody can know."""
    if free is None or needed <= free:
        return None
    return CannotCreate(
        _("The index {index} has no room to be rebuilt.").format(index=name),
        why=_("A copy of {size} is made first, and {free} are free on the server's disk.").format(
            size=show_bytes(needed), free=show_bytes(free)
        ),
        hint="chatai db size",
    )


def _not_ours(index: _Index) -> NotPermitted:
    return NotPermitted(
        _("The index {index} may not be touched by this role.").format(index=index.name),
        why=_("It belongs to {owner}.").format(owner=index.owner),
        hint=index.remedy or "",
    )


def _dropped(index: _Index) -> Task:
    obstacle: ChataiError | None = None
    if not index.owns:
        obstacle = NotPermitted(_not_ours(index).what, why=_("Only {owner} may drop it.").format(owner=index.owner))
    elif index.worker is not None:
        obstacle = Busy(
            _("The index {index} may still be in the making.").format(index=index.name),
            why=_("Process {pid} is at work on its table.").format(pid=index.worker),
            hint="chatai db activity",
        )
    return Task(
        index.schema, index.table, index.index, "drop", f"DROP INDEX CONCURRENTLY IF EXISTS {index.name}", index.bytes,
        {}, obstacle, index.table_oid,
    )  # fmt: skip


def _count(todo: list[Task]) -> str:
    return plural("{count} index", "{count} indexes", len(todo)).format(count=len(todo))


def _summary(database: str, todo: list[Task]) -> str:
    sentence = _("Rebuild {count} of the database {database} ({size}), one after the other.").format(
        count=_count(todo), database=database, size=tasks.measured([task.bytes for task in todo])
    )
    return f"{sentence} {_harm(todo)}"


def _harm(todo: list[Task]) -> str:
    if any(task.blocks and not task.obstacle for task in todo):
        return _("Reads and writes go on, but for the indexes of which the opposite is said.")
    return _("Reads and writes go on; schema changes and VACUUM of the table wait (ShareUpdateExclusiveLock).")


def _step(task: Task) -> str:
    name = identifier(task.schema, task.index)
    if task.obstacle:
        return _("{index}: not done. {reason}").format(index=name, reason=task.obstacle.why)
    blocks = (
        _("writes of the table wait, and queries that could use the index (ShareLock, AccessExclusiveLock)")
        if task.blocks
        else ""
    )
    return "; ".join(filter(None, (f"{name}: {tasks.measured([task.bytes])}", blocks, task.remark)))


def _left(index: _Index) -> str:
    return _("{index} is left over from an interrupted rebuild: chatai db reindex --clean").format(index=index.name)


def _sets(task: Task) -> list[str]:
    return [f"SET {name} = '{value}'" for name, value in task.settings.items()]
