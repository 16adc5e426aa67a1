"""The size of the database, how it grows, and when it will have filled the disk."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from chatai_core.adapters import files, processes
from chatai_core.adapters.postgres import Database, question
from chatai_core.database import snapshots, unlocked, visibility
from chatai_core.i18n import _, plural
from chatai_core.units import Bytes, Unit, show_bytes

BytesPerDay = Annotated[float, Unit("bytes_per_day", lambda number: _("{size} a day").format(size=show_bytes(number)))]

_SAME_PROCESS = 5  # seconds by which the system and PostgreSQL may tell the start of a process differently


@dataclass(frozen=True, slots=True)
class Size:
    """The database and the disk it is on. ``other_bytes``: catalogues, temporary tables, what was not measured.

    ``wal_bytes`` and ``temp_bytes`` (files of sorts and joins) are the whole server's, beside ``database_bytes``.
    """

    database: str
    database_bytes: Bytes
    table_bytes: Bytes
    index_bytes: Bytes
    toast_bytes: Bytes
    other_bytes: Bytes
    wal_bytes: Bytes | None
    temp_bytes: Bytes | None
    growth_per_day: BytesPerDay | None
    growth_since: datetime | None
    disk_free_bytes: Bytes | None
    disk_total_bytes: Bytes | None
    days_until_full: float | None
    notes: list[str]


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk that holds the database; without numbers the reason why they are not known."""

    free_bytes: int | None = None
    total_bytes: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server says that it keeps a database, and which of its processes said so. A tablespace may be empty."""

    pid: int
    started: float
    data_directory: str | None
    tablespace: str


@dataclass(frozen=True, slots=True)
class _Measured:
    database: str
    table_bytes: int
    index_bytes: int
    toast_bytes: int
    unmeasured: int


def measure(database: Database, directory: Path) -> Size:
    """The size of a database; its growth comes from the snapshots in the directory."""
    found = unlocked.rows(database, _Measured, question(__file__))[0]
    snapshot = snapshots.take(database, directory)
    before = snapshots.oldest(database, directory)
    growth = snapshots.growth_per_day(before, snapshot) if before is not None else None
    room = disk(database)
    wal = _total(database, "pg_ls_waldir")
    return Size(
        database=found.database,
        database_bytes=snapshot.database_bytes,
        table_bytes=found.table_bytes,
        index_bytes=found.index_bytes,
        toast_bytes=found.toast_bytes,
        other_bytes=snapshot.database_bytes - found.table_bytes - found.index_bytes - found.toast_bytes,
        wal_bytes=wal,
        temp_bytes=_total(database, "pg_ls_tmpdir"),
        growth_per_day=growth,
        growth_since=before.taken_at if before is not None and growth is not None else None,
        disk_free_bytes=room.free_bytes,
        disk_total_bytes=room.total_bytes,
        days_until_full=days_until_full(room.free_bytes, growth),
        notes=list(filter(None, (
            _locked(found.unmeasured),
            _hidden(database) if wal is None else None,
            _no_growth(snapshot, before, growth),
            room.reason,
            snapshot.reading,
        ))),
    )  # fmt: skip


def disk(database: Database) -> Disk:
    """The disk that the database is on, when its server runs on this machine."""
    return disk_of(Place(**database.value(question(__file__, "size_disk"))), database)


def disk_of(place: Place, database: Database) -> Disk:
    """The disk of a place: seen from here when the process that said it is one of this machine, and works there."""
    started = processes.started(place.pid)
    if started is None or abs(started - place.started) > _SAME_PROCESS:
        return Disk(reason=_("The server runs elsewhere: the disk it is on cannot be seen from here."))
    works_in = processes.working_directory(place.pid)  # PostgreSQL's is its data directory
    kept_in = Path(place.data_directory) if place.data_directory else works_in
    if kept_in is None:
        return Disk(reason=_nowhere(database))
    room = files.room(kept_in / place.tablespace)
    if room is None or not (works_in is None or files.same(works_in, kept_in)):
        return Disk(reason=_("The directory {path} of the server cannot be seen from here.").format(path=kept_in))
    return Disk(*room)


def days_until_full(free_bytes: int | None, growth_per_day: float | None) -> float | None:
    """When growth will have taken what is free; None when one is not known or nothing grows.

    >>> days_until_full(1000, 100), days_until_full(1000, 0), days_until_full(1000, -5), days_until_full(None, 100)
    (10.0, None, None, None)
    """
    if free_bytes is None or growth_per_day is None or growth_per_day <= 0:
        return None
    return free_bytes / growth_per_day


def _total(database: Database, listing: str) -> int | None:
    """Bytes of the files that a function of the server lists; None when the role may not call it."""
    if not database.value("SELECT has_function_privilege(%(name)s, 'EXECUTE')", name=f"{listing}()"):
        return None
    return int(database.value(f"SELECT coalesce(sum(size), 0) FROM {listing}()"))  # noqa: S608  ours


def _locked(number: int) -> str | None:
    return None if number == 0 else plural(
        "{number} relation is locked and counts as other.", "{number} relations are locked and count as other.", number
    ).format(number=number)  # fmt: skip


def _hidden(database: Database) -> str:
    look = visibility.look(database)
    return _("The role {role} does not see the files of WAL and of queries: {grant};").format(
        role=look.role, grant=look.grant("pg_monitor")
    )


def _nowhere(database: Database) -> str:
    return _("The server does not tell this role where its data is: {grant};").format(
        grant=visibility.look(database).grant("pg_read_all_settings")
    )


def _no_growth(now: snapshots.Snapshot, before: snapshots.Snapshot | None, growth: float | None) -> str | None:
    if growth is not None:
        return None
    first = (before or now).taken_at.astimezone(UTC)
    return _("Growth is known an hour after the first snapshot, which was taken at {time} UTC.").format(
        time=f"{first:%Y-%m-%d %H:%M}"
    )
