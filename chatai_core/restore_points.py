"""What backups exist: the manifests are read, nothing is done."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec

from chatai_core.errors import BadData
from chatai_core.i18n import _
from chatai_core.units import Bytes, Seconds

SUFFIX = ".manifest.json"
_SKEW = timedelta(minutes=5)  # by which the clocks of two hosts may differ


@dataclass(frozen=True, slots=True)
class RestorePoint:
    """One complete backup, as its manifest tells; ``key_id`` names the key that its sealed secrets need."""

    id: str
    path: str
    created_at: Annotated[datetime, msgspec.Meta(tz=True)]  # without an offset it is no moment
    size_bytes: Bytes
    database: str
    database_bytes: Bytes
    format: str
    sha256: str
    revision: str | None
    server_version: str
    pg_dump_version: str
    extensions: dict[str, str]
    key_id: str
    duration_seconds: Seconds
    verified: bool


def read(manifest: Path) -> RestorePoint:
    """The backup that a manifest describes. Raises BadData."""
    try:
        return msgspec.json.decode(manifest.read_bytes(), type=RestorePoint)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise BadData(
            _("The manifest {path} is damaged.").format(path=manifest),
            why=f"{error}.",
            hint=f"less {manifest}",
        ) from error


def all(directory: Path) -> list[RestorePoint]:
    """Every complete backup in a directory, the oldest first."""
    return sorted((read(path) for path in directory.glob(f"*{SUFFIX}")), key=lambda point: point.created_at)


def newest_verified(directory: Path, database: str) -> RestorePoint | None:
    """The newest backup of this database that was verified, is still there, and has all its bytes.

    A damaged manifest proves nothing and is passed over; so is one from the future.
    """
    moment = datetime.now(UTC) + _SKEW
    points = [point for path in directory.glob(f"*{SUFFIX}") if (point := _readable(path)) is not None]
    sound = [p for p in points if p.database == database and p.verified and p.created_at <= moment and _is_whole(p)]
    return max(sound, key=lambda point: point.created_at, default=None)


def _readable(manifest: Path) -> RestorePoint | None:
    try:
        return read(manifest)
    except (BadData, OSError):
        return None


def _is_whole(point: RestorePoint) -> bool:
    try:
        return Path(point.path).stat().st_size == point.size_bytes
    except OSError:
        return False
