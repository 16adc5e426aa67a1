"""What the counters said before: from two moments come growth, and the proof that a counter was never wiped out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import msgspec

from chatai_core.adapters import files
from chatai_core.adapters.postgres import Database, question
from chatai_core.database import counters, unlocked
from chatai_core.errors import CannotCreate
from chatai_core.i18n import _
from chatai_core.units import Seconds

MONTH: Seconds = 30 * 86400

_SELDOM = timedelta(minutes=10)  # a snapshot younger than this is followed by another only when counters fell
_HOURLY, _DAILY = timedelta(days=2), timedelta(days=35)
_STANDBY = "standby"  # in place of a timeline
_NAME = "%Y%m%dT%H%M%SZ"
_SUFFIX = ".json.zst"


class IndexCounter(msgspec.Struct, frozen=True, array_like=True):
    """How often an index was scanned; ``since`` it has counted without a break, ``still_since`` it has stood still."""

    name: str
    scans: int
    since: datetime
    still_since: datetime


class Snapshot(msgspec.Struct, frozen=True, omit_defaults=True):
    """The counters of one database at one moment, by oid; ``reading`` says what could not be read or kept."""

    version: Literal[1]
    taken_at: datetime
    counters_since: datetime
    stats_reset: datetime | None
    timeline: str
    database_bytes: int
    indexes: dict[int, IndexCounter]
    sequences: dict[int, int]
    reading: str | None = None

    @property
    def is_standby(self) -> bool:
        """Whether it was taken of a standby, which counts what it does itself."""
        return self.timeline == _STANDBY


@dataclass(frozen=True, slots=True)
class _Counters:
    taken_at: datetime
    stats_reset: datetime | None
    timeline: str
    database_bytes: int
    index_oids: list[int]
    index_names: list[str]
    index_scans: list[int]
    sequence_oids: list[int]
    sequence_values: list[int]


def take(database: Database, directory: Path) -> Snapshot:
    """The counters of now, continued from the newest snapshot in the directory, which they join unless it is young."""
    seen = unlocked.rows(database, _Counters, question(__file__))[0]
    began = counters.since(database)
    kept = _Kept(place(database, directory))
    before = kept.newest(seen.taken_at)
    if before is not None and _continues(before, seen, began):
        snapshot = _snapshot(seen, before.indexes, since=max(began, before.counters_since))
        is_news = seen.taken_at - before.taken_at > _SELDOM
    else:
        fell = before is not None and began <= before.taken_at
        snapshot = _snapshot(seen, {}, since=seen.taken_at if fell else began)
        is_news = True
    if is_news:
        kept.add(snapshot)
    return msgspec.structs.replace(snapshot, reading=" ".join(kept.remarks) or None)


def newest(database: Database, directory: Path) -> Snapshot | None:
    """The last snapshot that was kept of this database; None when there is none."""
    return _Kept(place(database, directory)).newest(datetime.now(UTC))


def oldest(database: Database, directory: Path, within: Seconds = MONTH) -> Snapshot | None:
    """The first snapshot of this database within so many seconds; None when there is none."""
    return _Kept(place(database, directory)).oldest(datetime.now(UTC) - timedelta(seconds=within))


def growth_per_day(old: Snapshot, new: Snapshot) -> float | None:
    """Bytes a day by which the database grew; None when the two are less than an hour apart."""
    apart = (new.taken_at - old.taken_at) / timedelta(days=1)
    return None if apart < 1 / 24 else (new.database_bytes - old.database_bytes) / apart


def superfluous(times: Iterable[datetime], now: datetime) -> list[datetime]:
    """Those that need not be kept: beyond the first of an hour for two days, of a day for 35; never the newest."""
    seen: set[str] = set()
    spare = []
    for time in sorted(times)[:-1]:
        age = now - time
        period = f"{time:%Y%m%d%H}" if age <= _HOURLY else f"{time:%Y%m%d}"
        if age > _DAILY or period in seen:
            spare.append(time)
        seen.add(period)
    return spare


def system_identifier(database: Database) -> str | None:
    """The number that a server shares with its standbys and no other; None when the role may not ask for it."""
    if not database.value("SELECT has_function_privilege('pg_control_system()', 'EXECUTE')"):
        return None
    return str(database.value("SELECT system_identifier FROM pg_control_system()"))


def place(database: Database, directory: Path) -> Path:
    """Where the snapshots of this database are."""
    name: str = database.value(question(__file__, "snapshots_place"), identifier=system_identifier(database))
    return directory / name


def _continues(before: Snapshot, seen: _Counters, began: datetime) -> bool:
    """Whether nothing has wiped the counters out since then: no reset, no crash, no other server, none has fallen."""
    if began > before.taken_at or before.timeline != seen.timeline:
        return False
    indexes = zip(seen.index_oids, seen.index_names, seen.index_scans, strict=True)
    then = ((before.indexes.get(oid), name, scans) for oid, name, scans in indexes)
    return not any(old is not None and old.name == name and scans < old.scans for old, name, scans in then)


def _snapshot(seen: _Counters, known: dict[int, IndexCounter], *, since: datetime) -> Snapshot:
    indexes = zip(seen.index_oids, seen.index_names, seen.index_scans, strict=True)
    return Snapshot(
        version=1,
        taken_at=seen.taken_at,
        counters_since=since,
        stats_reset=seen.stats_reset,
        timeline=seen.timeline,
        database_bytes=seen.database_bytes,
        indexes={oid: _counter(known.get(oid), name, scans, seen.taken_at) for oid, name, scans in indexes},
        sequences=dict(zip(seen.sequence_oids, seen.sequence_values, strict=True)),
    )


def _counter(before: IndexCounter | None, name: str, scans: int, now: datetime) -> IndexCounter:
    """An oid is used again one day, so that the name must be the same too."""
    if before is None or before.name != name:
        return IndexCounter(name, scans, now, now)
    return IndexCounter(name, scans, before.since, before.still_since if scans == before.scans else now)


class _Kept:
    """The snapshots in a directory; ``remarks`` are told to who asked: nothing of this may fail his report."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.remarks: list[str] = []

    def newest(self, now: datetime) -> Snapshot | None:
        """The last one; those of a clock that has been put back since are from the future and do not count."""
        return next(self._read(time for time in reversed(self._times()) if time <= now), None)

    def oldest(self, since: datetime) -> Snapshot | None:
        return next(self._read(time for time in self._times() if time >= since), None)

    def add(self, snapshot: Snapshot) -> None:
        import zstandard  # 8 ms, for who only asks

        text = zstandard.ZstdCompressor(level=3).compress(msgspec.json.encode(snapshot))
        try:
            files.directory(self._directory, mode=0o700)
            files.write(self._file(snapshot.taken_at), text, mode=0o600)
            for time in superfluous(self._times(), snapshot.taken_at):
                self._file(time).unlink(missing_ok=True)
        except (CannotCreate, OSError) as error:
            self.remarks.append(_("The counters could not be kept for the next time. {why}").format(why=error))

    def _times(self) -> list[datetime]:
        try:
            names = [path.name for path in self._directory.iterdir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            self.remarks.append(_("The counters of before cannot be read. {why}").format(why=error))
            return []
        return sorted(filter(None, map(_time, names)))

    def _read(self, times: Iterable[datetime]) -> Iterator[Snapshot]:
        for time in times:
            file = self._file(time)
            try:
                yield _decoded(file.read_bytes())
            except FileNotFoundError:  # thinned out by another process
                continue
            except (OSError, ValueError):
                self.remarks.append(_("{file} is no snapshot of counters and is ignored.").format(file=file))

    def _file(self, time: datetime) -> Path:
        return self._directory / f"{time.astimezone(UTC):{_NAME}}{_SUFFIX}"


def _time(name: str) -> datetime | None:
    """When a snapshot with this file name was taken; None when the file is none."""
    try:
        return datetime.strptime(name, _NAME + _SUFFIX).replace(tzinfo=UTC)
    except ValueError:
        return None


def _decoded(content: bytes) -> Snapshot:
    """Raises ValueError: msgspec's errors are some, zstandard's become one."""
    import zstandard

    try:
        return msgspec.json.decode(zstandard.ZstdDecompressor().decompress(content), type=Snapshot)
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from error
