"""What servers know of the use of an index: the primary, and the standbys whose queries only they have counted."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from chatai_core.adapters.postgres import Database, masked, question
from chatai_core.database import indexes, snapshots
from chatai_core.database.indexes import Index
from chatai_core.errors import Misused
from chatai_core.i18n import _

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Evidence:
    """An index's scans on all servers asked, the days that they were counted, and of these the last without a scan."""

    scans: int
    counted_days: float
    unused_days: float
    last_scan: datetime | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """What one server knows of an index's use: its scans, since when all of them were counted, and none."""

    scans: int
    counted_since: datetime
    unused_since: datetime
    last_scan: datetime | None = None


@dataclass(frozen=True, slots=True)
class Witness:
    """A server that was asked; ``standbys`` follow it."""

    snapshot: snapshots.Snapshot
    uses: Mapping[int, Use]
    standbys: int


Parts = Mapping[int, Sequence[int]]


def ask(database: Database, directory: Path, found: Iterable[Index], parts: Parts) -> Witness:
    """Let a server testify about the indexes that were found there; ``parts`` are those of partitions."""
    snapshot = snapshots.take(database, directory)
    return Witness(
        snapshot=snapshot,
        uses={index.oid: use(index, parts.get(index.oid, (index.oid,)), snapshot) for index in found},
        standbys=database.value(question(__file__)),
    )


def use(index: Index, parts: Sequence[int], snapshot: snapshots.Snapshot) -> Use:
    """Since when an index is not used: the end of its last scan, or the moment from which on one would be known.

    What a partition was made of lately was used by nobody before: the oldest part is the age of all.
    """
    counters = [snapshot.indexes[oid] for oid in parts if oid in snapshot.indexes]
    since = min([counter.since for counter in counters], default=snapshot.taken_at)
    moved = max([counter.still_since for counter in counters if counter.scans > 0], default=since)
    return Use(index.scans, since, index.last_scan or moved, index.last_scan)


def ask_replica(primary: Database, replica: Database, directory: Path, parts: Parts) -> Witness:
    """Let a standby testify. Raises Misused when it is none of this primary, or another database of it."""
    where = masked(replica.url)
    if not replica.value("SELECT pg_is_in_recovery()"):
        raise Misused(_("{url} is no standby.").format(url=where), why=_("It is not in recovery."))
    identifiers = {snapshots.system_identifier(primary), snapshots.system_identifier(replica)} - {None}
    if len(identifiers) > 1:
        raise Misused(_("{url} is a standby of another server.").format(url=where))
    if _oid(primary) != _oid(replica):
        raise Misused(_("{url} is another database than the one on the primary.").format(url=where))
    return ask(replica, directory, indexes.measured(replica), parts)


def about(index: Index, witnesses: Sequence[Witness]) -> Evidence:
    """What all of them say together, each by its own clock; who has not yet seen the index knows nothing of before."""
    uses = [(witness.snapshot.taken_at, _use(index, witness)) for witness in witnesses]
    return Evidence(
        scans=sum([each.scans for _now, each in uses]),
        counted_days=max(min([now - each.counted_since for now, each in uses]) / _DAY, 0),
        unused_days=max(min([now - each.unused_since for now, each in uses]) / _DAY, 0),
        last_scan=max([each.last_scan for _now, each in uses if each.last_scan is not None], default=None),
    )


def _use(index: Index, witness: Witness) -> Use:
    now = witness.snapshot.taken_at
    return witness.uses.get(index.oid) or Use(0, now, now)


def unasked(witnesses: Sequence[Witness]) -> int:
    """How many standbys follow the servers that were asked and were not asked themselves."""
    return max(0, sum(witness.standbys for witness in witnesses) - (len(witnesses) - 1))


def addresses(words: Iterable[str]) -> list[str]:
    """The URLs of standbys, or the environment variables that hold one. Raises Misused for one with a password."""
    return [_public(word) if "://" in word else _from_environment(word) for word in words]


def _public(url: str) -> str:
    if masked(url) != url:
        raise Misused(
            _("A password does not belong on the command line."),
            why=_(
                "Everybody on this machine can read it there; PGPASSFILE, or a variable that holds the URL, keeps it."
            ),
            hint="--replica REPLICA_URL",
        )
    return url


def _from_environment(name: str) -> str:
    if name not in os.environ:
        raise Misused(
            _("There is no environment variable {name} with the URL of a standby.").format(name=name),
            hint="--replica postgresql://user@host/chatai",
        )
    return os.environ[name]


def _oid(database: Database) -> object:
    return database.value("SELECT oid FROM pg_database WHERE datname = current_database()")
