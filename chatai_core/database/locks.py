"""Who waits for whom: the queues at the locks, and the session at the head of each."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from chatai_core.adapters.postgres import Database, question
from chatai_core.database import statements, visibility
from chatai_core.findings import Rows
from chatai_core.i18n import _
from chatai_core.units import Seconds, show_seconds

PREPARED = 0
"""What PostgreSQL gives in place of a process number for a prepared transaction, which has no process."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One session that waits for a lock. ``blocking_pids`` stand before it; ``root_pid`` waits for nobody itself.

    0 is a prepared transaction, named in ``prepared``. ``root_pid`` is None when those before it wait in a circle;
    ``deadlock`` when it is part of that. ``root_seconds``: how long the root is in its state. ``depth`` 1 waits for the
    root itself.
    """

    blocked_pid: int
    blocking_pids: list[int]
    root_pid: int | None
    waiting_seconds: Seconds | None
    relation: str | None
    mode: str
    blocked_query: str | None
    blocking_query: str | None
    locktype: str
    blocked_start: datetime | None
    blocked_user: str | None
    blocked_application: str | None
    database: str | None
    root_start: datetime | None
    root_user: str | None
    root_application: str | None
    root_kind: str | None
    root_state: str | None
    root_seconds: Seconds | None
    root_transaction_seconds: Seconds | None
    root_query: str | None
    prepared: list[str]
    deadlock: bool
    depth: int

    def __str__(self) -> str:
        return "   " * self.depth + _("{who} waits {time} for {mode} on {relation}: {query}").format(
            who=_who(self.blocked_pid, self.blocked_user, self.blocked_application),
            time=_time(self.waiting_seconds),
            mode=self.mode,
            relation=self.relation,
            query=statements.begins(self.blocked_query),
        )


class FirstOfQueue(Waiting):
    """The first that waits for its root: it is shown below it."""

    __slots__ = ()

    def __str__(self) -> str:
        return f"{self._root()}\n{Waiting.__str__(self)}"

    def _root(self) -> str:
        """What stands at the head of the queue, in one line."""
        if self.root_pid is None:
            return _("A deadlock: these wait for each other until PostgreSQL ends one of them.")
        if self.root_pid == PREPARED:
            return _("The prepared transaction {names} is open: COMMIT PREPARED or ROLLBACK PREPARED ends it.").format(
                names=", ".join(self.prepared) or "?"
            )
        return _("{who} is {state} for {time}: {query}").format(
            who=_who(self.root_pid, self.root_user, self.root_application or self.root_kind),
            state=self.root_state or "?",
            time=_time(self.root_seconds),
            query=statements.begins(self.root_query),
        )


def waiting(database: Database, *, limit: int | None = None, everywhere: bool = False) -> Rows[Waiting]:
    """Who of this database waits for a lock, queue by queue, the longest queue first, as a tree."""
    found = database.rows(_Process, question(__file__), everywhere=everywhere)
    rows = list(_rows(_Queues(found)))
    return Rows(rows[:limit], visibility.look(database).sessions_hidden)


@dataclass(frozen=True, slots=True)
class _Process:
    """One row of the question: who waits, or stands before somebody who does."""

    pid: int
    blocking_pids: list[int]
    waiting_seconds: float | None = None
    locktype: str | None = None
    relation: str | None = None
    mode: str | None = None
    prepared: list[str] | None = None
    backend_start: datetime | None = None
    user: str | None = None
    application: str | None = None
    database: str | None = None
    kind: str | None = None
    state: str | None = None
    state_seconds: float | None = None
    transaction_seconds: float | None = None
    query: str | None = None
    leader_pid: int | None = None
    is_asked_for: bool | None = None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where somebody stands: behind whom, in whose queue (None: in a circle), how deep."""

    pid: int
    behind: int
    root: int | None
    depth: int


class _Queues:
    """Who stands behind whom."""

    def __init__(self, found: Iterable[_Process]) -> None:
        """A worker of a parallel query is stood behind by its leader's number, and waits in its own."""
        self.processes = {process.pid: process for process in found}
        self._before: dict[int, set[int]] = {}
        for process in self.processes.values():
            for pid in {process.pid, process.leader_pid or process.pid}:
                self._before.setdefault(pid, set()).update(process.blocking_pids)

    def places(self) -> Iterator[list[_Place]]:
        """The queues, the longest first; at last the circles, with who stands behind them."""
        placed: set[int] = set()
        roots = [pid for pid in self.processes if not self._before[pid]]
        trees = [list(self._below(root, root, 1, set())) for root in roots]
        for tree in sorted(trees, key=len, reverse=True):
            yield [place for place in tree if place.pid not in placed]
            placed.update(place.pid for place in tree)
        for pid in sorted(pid for pid, process in self.processes.items() if process.blocking_pids):
            if pid not in placed and self.is_in_circle(pid):
                behind = min(self._before[pid])
                circle = [_Place(pid, behind, None, 1), *self._below(pid, None, 2, placed | {pid})]
                placed.update(place.pid for place in circle)
                yield circle

    def is_in_circle(self, pid: int) -> bool:
        """Whether it waits for itself, by way of others."""
        reached, todo = set[int](), set(self._before.get(pid, ()))
        while todo:
            reached |= todo
            todo = {other for one in todo for other in self._before.get(one, ())} - reached
        return pid in reached

    def _below(self, pid: int, root: int | None, depth: int, seen: set[int]) -> Iterator[_Place]:
        """Who stands behind it, each followed by those behind itself, the longest waiting first."""
        known_as = {pid, self.processes[pid].leader_pid}
        direct = [p for p in self.processes.values() if p.pid not in seen and known_as & set(p.blocking_pids)]
        seen.update(process.pid for process in direct)
        for process in sorted(direct, key=lambda process: -(process.waiting_seconds or 0)):
            yield _Place(process.pid, pid, root, depth)
            yield from self._below(process.pid, root, depth + 1, seen)


def _rows(queues: _Queues) -> Iterator[Waiting]:
    for queue in queues.places():
        shown = [place for place in queue if queues.processes[place.pid].is_asked_for is not False]
        names = sorted({name for place in shown for name in queues.processes[place.pid].prepared or ()})
        for number, place in enumerate(shown):
            yield _row(queues, place, Waiting if number else FirstOfQueue, names)


def _row(queues: _Queues, place: _Place, kind: type[Waiting], prepared: list[str]) -> Waiting:
    process, behind = queues.processes[place.pid], queues.processes[place.behind]
    root = _NOBODY if place.root is None else queues.processes[place.root]
    return kind(
        blocked_pid=process.pid,
        blocking_pids=process.blocking_pids,
        root_pid=place.root,
        waiting_seconds=process.waiting_seconds,
        relation=process.relation,
        mode=process.mode or "",
        blocked_query=statements.shown(process.query),
        blocking_query=statements.shown(behind.query),
        locktype=process.locktype or "",
        blocked_start=process.backend_start,
        blocked_user=process.user,
        blocked_application=process.application,
        database=process.database,
        root_start=root.backend_start,
        root_user=root.user,
        root_application=root.application,
        root_kind=root.kind,
        root_state=root.state,
        root_seconds=root.state_seconds,
        root_transaction_seconds=root.transaction_seconds,
        root_query=statements.shown(root.query),
        prepared=prepared if place.root == PREPARED else process.prepared or [],
        deadlock=place.root is None and queues.is_in_circle(place.pid),
        depth=place.depth,
    )


def _who(pid: int, user: str | None, application: str | None) -> str:
    return f"{pid} ({', '.join(name for name in (user, application) if name) or '?'})"


def _time(seconds: Seconds | None) -> str:
    return "?" if seconds is None else show_seconds(seconds)


_NOBODY = _Process(PREPARED, [])
