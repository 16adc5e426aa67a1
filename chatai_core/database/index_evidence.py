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
class Witness:
    """A server that was asked; ``standbys`` follow it."""

    snapshot: snapshots.Snapshot
    indexes: Mapping[int, Index]
    standbys: int

    def unused_since(self, index: Index, parts: Sequence[int]) -> datetime:
        """The end of its last scan; without one, the moment from which on all its scans would have been counted."""
        found = self.indexes.get(index.oid)
        if found is not None and found.last_scan is not None:
            return found.last_scan
        known = self._counters(index, parts)
        return max((c.still_since for c in known if c.scans > 0), default=self.counted_since(index, parts))

    def counted_since(self, index: Index, parts: Sequence[int]) -> datetime:
        """When the first of its parts was first seen; a partition made later was used by nobody before."""
        return min((c.since for c in self._counters(index, parts)), default=self.snapshot.taken_at)

    def _counters(self, index: Index, parts: Sequence[int]) -> list[snapshots.IndexCounter]:
        known = self.snapshot.indexes
        return [known[oid] for oid in (parts or [index.oid]) if oid in known]


def ask(database: Database, directory: Path, found: Iterable[Index]) -> Witness:
    """Let a server testify about the indexes that were found there."""
    return Witness(
        snapshot=snapshots.take(database, directory),
        indexes={index.oid: index for index in found},
        standbys=database.value(question(__file__)),
    )


def ask_replica(primary: Database, replica: Database, directory: Path) -> Witness:
    """Let a standby testify. Raises Misused when it is none of this primary, or another database of it."""
    where = masked(replica.url)
    if not replica.value("SELECT pg_is_in_recovery()"):
        raise Misused(_("{url} is no standby.").format(url=where), why=_("It is not in recovery."))
    identifiers = {snapshots.system_identifier(primary), snapshots.system_identifier(replica)} - {None}
    if len(identifiers) > 1:
        raise Misused(_("{url} is a standby of another server.").format(url=where))
    if _oid(primary) != _oid(replica):
        raise Misused(_("{url} is another database than the one on the primary.").format(url=where))
    return ask(replica, directory, indexes.measured(replica))


def about(index: Index, parts: Sequence[int], witnesses: Sequence[Witness]) -> Evidence:
    """What all of them say together; ``parts`` are the oids of a partitioned index's partitions."""
    now = witnesses[0].snapshot.taken_at
    found = [witness.indexes[index.oid] for witness in witnesses if index.oid in witness.indexes]
    return Evidence(
        scans=sum(each.scans for each in found),
        counted_days=(now - max(witness.counted_since(index, parts) for witness in witnesses)) / _DAY,
        unused_days=(now - max(witness.unused_since(index, parts) for witness in witnesses)) / _DAY,
        last_scan=max((each.last_scan for each in found if each.last_scan is not None), default=None),
    )


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
