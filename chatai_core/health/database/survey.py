"""All checks of the database, over two connections."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from chatai_core.adapters.postgres import Database
from chatai_core.database import snapshots, visibility
from chatai_core.errors import Busy, ServerFull
from chatai_core.findings import Finding, Skipped, Survey
from chatai_core.health import survey as surveys
from chatai_core.health.check import Check
from chatai_core.health.database import checks, connections
from chatai_core.health.database.look import Look
from chatai_core.i18n import _
from chatai_core.installation import Installation
from chatai_core.plans import Explained
from chatai_core.units import Milliseconds, Seconds

LANES = 2
LIMIT: Seconds = 20.0  # for all checks together; a statement has five seconds, a lock 50 ms


@dataclass(frozen=True, slots=True)
class Cost:
    """What a survey has asked of the server, how long it was waited for, and the milliseconds of each check."""

    questions: int
    seconds: Seconds
    checks_ms: dict[str, Milliseconds]

    def __str__(self) -> str:
        dearest = max(self.checks_ms, key=self.checks_ms.__getitem__, default="-")
        return _(
            "{questions} questions, {seconds:.3f} s in the server; the dearest check: {name}, {ms:.0f} ms."
        ).format(questions=self.questions, seconds=self.seconds, name=dearest, ms=self.checks_ms.get(dearest, 0.0))


@dataclass(frozen=True, slots=True)
class CostedSurvey(Survey):
    """A survey that says what it has cost."""

    cost: Cost | None = None

    @property
    def reading(self) -> Cost | None:
        """What is told beside the verdicts."""
        return self.cost


def survey(chatai: Installation, *, costed: bool = False) -> Survey:
    """The verdict over the database. Raises Unavailable, AccessRefused, DatabaseMissing when nothing can be asked."""
    began = time.monotonic()
    if chatai.explained is not None:
        return _explained(chatai, began)
    with _lanes(chatai) as databases:
        try:
            look, remembered = _look(chatai, databases[0])
        except ServerFull as error:
            full = Finding(connections.NAME, "critical", str(error), remedy="chatai db connections")
            return surveys.summed([full], began)
        spent: dict[str, Milliseconds] = {}
        timed = [_timed(check, spent) for check in checks.ALL]
        looks = [replace(look, database=database) for database in databases]
        found = surveys.run_in_lanes(looks, timed, limit=LIMIT)
        result = surveys.summed([*found.checks, remembered, *found.skipped], began)
        return _with_cost(result, _cost(databases, spent)) if costed else result


def _look(chatai: Installation, database: Database) -> tuple[Look, Finding]:
    """What the checks share, and whether the counters could be remembered."""
    directory = chatai.state / "database"
    look = Look(database, chatai.settings.database_limits, visibility.look(database), directory)
    try:
        now = snapshots.take(database, directory)
        look = replace(look, now=now, before=snapshots.oldest(database, directory))
    except Busy as error:  # somebody has locked a catalogue: the checks that need it will say so, each for itself
        return look, Finding("snapshots", "unknown", str(error), remedy="chatai db locks")
    if now.reading:
        return look, Finding("snapshots", "warning", now.reading, {"directory": str(directory)}, f"ls -l {directory}")
    since = f"{now.counters_since.astimezone():%Y-%m-%d %H:%M}"
    good = _("Counters are compared from one call to the next; they count since {time}.").format(time=since)
    return look, Finding("snapshots", "ok", good, {"counters_since": now.counters_since.isoformat()})


@contextmanager
def _lanes(chatai: Installation) -> Iterator[list[Database]]:
    """Connections that are closed at the end, even when the server does not answer any more."""
    databases = [chatai.reading(chatai.database_url) for _lane in range(LANES)]
    try:
        yield databases
    finally:
        for database in databases:
            database.abandon()


def _timed(check: Check[Look], spent: dict[str, Milliseconds]) -> Check[Look]:
    def probe(look: Look) -> Finding | Skipped:
        began = time.monotonic()
        try:
            return check.probe(look)
        finally:
            spent[check.name] = round((time.monotonic() - began) * 1000, 1)

    return Check(check.name, probe, check.limit)


def _cost(databases: list[Database], spent: dict[str, Milliseconds]) -> Cost:
    costs = [database.cost for database in databases]
    return Cost(sum(cost.questions for cost in costs), round(sum(cost.seconds for cost in costs), 3), dict(spent))


def _with_cost(found: Survey, cost: Cost) -> CostedSurvey:
    return CostedSurvey(found.status, found.checks, found.duration_seconds, found.skipped, cost)


def _explained(chatai: Installation, began: float) -> Survey:
    """Have every check write down what it would ask; only who asks is asked for all the same."""
    database = Database(chatai.database_url, connect_timeout=chatai.settings.database.connect_timeout)
    try:
        seen = visibility.look(database)
        look = Look(chatai.reports, chatai.settings.database_limits, seen, chatai.state / "database")
    finally:
        database.close()
    for check in checks.ALL:
        try:
            check.probe(look)
        except Explained:
            continue
    return surveys.summed([], began)
