"""Indexes that nothing scans: which of them can go, which must stay all the same, and how far that is proved."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from chatai_core.adapters.postgres import Database, question
from chatai_core.database import counters, definitions, index_evidence, indexes, relations, unlocked
from chatai_core.database.index_evidence import Evidence, Witness
from chatai_core.database.indexes import VALID, Index
from chatai_core.findings import Rows
from chatai_core.i18n import _, plural
from chatai_core.units import Bytes, Detail, Seconds, show_seconds

Verdict = Literal["drop", "candidate", "insufficient_evidence", "keep"]
Ties = Mapping[str, Sequence["Tie"]]

MIN_AGE_DAYS = 14.0

_ORDER: list[Verdict] = ["drop", "candidate", "insufficient_evidence", "keep"]
_VECTOR_METHODS = {"hnsw", "ivfflat"}


@dataclass(frozen=True, slots=True)
class UnusedIndex:
    """One index and the verdict; ``scans`` are those of all servers asked, ``stats_age_days`` since when they count.

    Verdicts: drop; candidate: somebody must look; insufficient_evidence: ask again later; keep.
    """

    schema: str
    table: str
    index: str
    size_bytes: Bytes | None
    scans: int
    stats_age_days: float
    verdict: Verdict
    reason: str
    drop_sql: Annotated[str | None, Detail]
    undo_sql: Annotated[str | None, Detail]
    unused_days: Annotated[float, Detail]
    last_scan: Annotated[datetime | None, Detail]


@dataclass(frozen=True, slots=True)
class Tie:
    """What holds indexes besides their scans, or makes these say nothing about them; partitions' indexes are parts."""

    tie: str
    roots: list[int] | None
    oid: int | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class _Judged:
    index: Index
    evidence: Evidence
    verdict: Verdict
    reason: str


def judged(
    database: Database,
    directory: Path,
    *,
    replicas: Sequence[Database] = (),
    limit: int | None = None,
    schema: str | None = None,
    names: Sequence[str] = (),
    least_bytes: int = 0,
    min_age_days: float = MIN_AGE_DAYS,
    every: bool = False,
) -> Rows[UnusedIndex]:
    """The indexes without scans, or ``every`` one: those that can go first, of these the largest.

    The proof is the snapshots in the directory. Raises Misused for a replica that is none of this database.
    """
    relations.must_have_schema(database, schema)
    tables = relations.named(database, names)
    with database.together():
        found = indexes.measured(database, schema=schema, tables=tables)
        ties = _by_index(database.rows(Tie, question(__file__)))
    parts = _parts(ties)
    witnesses = [
        index_evidence.ask(database, directory, found, parts),
        *(index_evidence.ask_replica(database, replica, directory, parts) for replica in replicas),
    ]
    doubt = _doubt_about_servers(witnesses)
    all_of_them = (
        _Judged(index, evidence, *judge(index, ties[index.oid], evidence, doubt=doubt, min_age_days=min_age_days))
        for index, evidence in ((index, index_evidence.about(index, witnesses)) for index in found)
    )
    large = [one for one in all_of_them if one.index.size_bytes is None or one.index.size_bytes >= least_bytes]
    wanted = [one for one in large if every or _is_worth_a_look(one)]
    shown = sorted(wanted, key=lambda one: _ORDER.index(one.verdict))[:limit]
    known = definitions.of(database, [one.index.oid for one in shown if one.verdict != "keep"])
    rows = [_row(one, known.get(one.index.oid)) for one in shown]
    said = [*_reading(found, witnesses, doubt), *definitions.told(row.drop_sql for row in rows)]
    return Rows(rows, " ".join(said))


def judge(
    index: Index, ties: Ties, evidence: Evidence, *, doubt: str | None, min_age_days: float
) -> tuple[Verdict, str]:
    """The verdict on one index, and its reason; ``doubt`` is what other servers may know."""
    if index.constraint is not None or "constraint" in ties:
        name = index.constraint or _names(ties["constraint"])
        return "keep", _("It backs the constraint {name}.").format(name=name)
    if index.state != VALID:
        return _unfinished(index)
    held = " ".join(_held(index, ties))
    if held:
        return "keep", held
    if evidence.scans > 0 and evidence.unused_days < max(min_age_days, MIN_AGE_DAYS):
        return "keep", _("It is used.")
    unused = _seen(evidence.unused_days * 86400)
    if evidence.unused_days < min_age_days:
        needed = _("{days:g} days without a scan would prove something.").format(days=min_age_days)
        return "insufficient_evidence", f"{unused} {needed}"
    doubts = [*_doubts(index, ties, evidence), *filter(None, [doubt])]
    return "candidate" if doubts else "drop", " ".join([unused, *doubts, *_losses(index)])


def _seen(seconds: Seconds) -> str:
    if seconds < 60:
        return _("It is watched from now on.")
    return _("No scan in {time}.").format(time=show_seconds(seconds))


def _by_index(ties: Sequence[Tie]) -> defaultdict[int, dict[str, list[Tie]]]:
    found: defaultdict[int, dict[str, list[Tie]]] = defaultdict(dict)
    for tie in ties:
        for root in tie.roots or ():
            found[root].setdefault(tie.tie, []).append(tie)
    return found


def _parts(ties: Mapping[int, Ties]) -> dict[int, list[int]]:
    """The oids of the indexes that a partitioned index is made of."""
    return {
        root: [tie.oid for tie in held["part"] if tie.oid is not None] for root, held in ties.items() if "part" in held
    }


def _is_worth_a_look(one: _Judged) -> bool:
    return one.verdict != "keep" or one.evidence.scans == 0


def _unfinished(index: Index) -> tuple[Verdict, str]:
    match index.state:
        case "being built":
            return "keep", _("It is being built.")
        case "incomplete":
            return "keep", _("A partition lacks it: build it there and attach it.")
        case "being built or invalid":
            return "insufficient_evidence", _("It is being built, or was left by a build that did not end.")
    if index.index.rstrip("0123456789").endswith(("_ccnew", "_ccold")):
        return "drop", _("A REINDEX CONCURRENTLY that did not end has left it: only writes use it.")
    return "drop", _("A build that did not end has left it: only writes use it. Who needs it builds it again.")


def _held(index: Index, ties: Ties) -> Iterator[str]:
    if "referenced" in ties:
        yield _("The foreign key {name} refers to it.").format(name=_names(ties["referenced"]))
    if index.is_unique:
        yield _("It keeps its columns unique.")
    if "replica identity" in ties:
        yield _("Logical replication knows the rows of its table by it.")
    if "clustered" in ties:
        yield _("CLUSTER orders its table by it.")


def _doubts(index: Index, ties: Ties, evidence: Evidence) -> Iterator[str]:
    if evidence.scans > 0:
        yield _("It was used before.")
    if "foreign key" in ties:
        yield _("It supports the foreign key {name}: deletes there would read the whole table.").format(
            name=_names(ties["foreign key"])
        )
    if index.has_expressions:
        yield _("The planner uses the statistics of its expression: CREATE STATISTICS keeps them.")
    if "small table" in ties:
        yield _("Its table is so small that PostgreSQL reads all of it.")


def _losses(index: Index) -> Iterator[str]:
    if index.method in _VECTOR_METHODS:
        yield _("Without it a search for the nearest vectors compares all of them, and to build it again takes long.")
    if index.partitions:
        yield _("DROP INDEX locks its table and the partitions: set lock_timeout.")


def _names(ties: Sequence[Tie]) -> str:
    return ", ".join(sorted({tie.name or "" for tie in ties}))


def _doubt_about_servers(witnesses: Sequence[Witness]) -> str | None:
    """What keeps all of them from being proved unused."""
    if witnesses[0].snapshot.is_standby:
        return _("This server is a standby: what its primary uses is not known here.")
    number = index_evidence.unasked(witnesses)
    return plural(
        "{number} standby was not asked (--replica).", "{number} standbys were not asked (--replica).", number
    ).format(number=number) if number else None  # fmt: skip


def _row(one: _Judged, known: definitions.Definition | None) -> UnusedIndex:
    index, evidence = one.index, one.evidence
    is_hidden = known is None and one.verdict != "keep"
    hidden = _("It is locked or gone: its definition cannot be read.") if is_hidden else ""
    return UnusedIndex(
        schema=index.schema,
        table=index.table,
        index=index.index,
        size_bytes=index.size_bytes,
        scans=evidence.scans,
        stats_age_days=round(evidence.counted_days, 2),
        verdict=one.verdict,
        reason=f"{one.reason} {hidden}".strip(),
        drop_sql=known.drop_sql if known is not None else None,
        undo_sql=known.undo_sql if known is not None else None,
        unused_days=round(evidence.unused_days, 2),
        last_scan=evidence.last_scan,
    )


def _reading(found: Sequence[Index], witnesses: Sequence[Witness], doubt: str | None) -> Iterator[str]:
    yield counters.told(max(witness.snapshot.counters_since for witness in witnesses))
    locked = unlocked.told([index.name for index in found if index.size_bytes is None])
    yield from filter(None, (doubt, *(witness.snapshot.reading for witness in witnesses), locked))
