"""Make a backup: dump, hash, sync, read again, and only then give it its name and its manifest."""

import fcntl
import hashlib
import os
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Protocol

import msgspec
import zstandard

from chatai_core import restore_points
from chatai_core.adapters import command, files, postgres
from chatai_core.adapters.postgres import Database
from chatai_core.backups import pg_dump
from chatai_core.errors import BadData, Busy, CannotCreate
from chatai_core.i18n import _
from chatai_core.plans import Plan
from chatai_core.restore_points import RestorePoint

_BLOCK = 1 << 20
_LEVEL = 1  # measured: the fastest level already halves what gzip -6 leaves of text, see docs/performance.md
_PARTIAL = ".partial"


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...


@dataclass(frozen=True, slots=True)
class _Source:
    """What is being backed up, read before the dump begins."""

    database: str
    database_bytes: int
    server_version: str
    major: int
    extensions: dict[str, str]


def plan(database: Database, directory: Path, *, embedded: Path | None) -> Plan:
    """What ``create`` will do; of the programs that it runs, the one that asks the database, without its password."""
    argv, _password = pg_dump.dump_command(pg_dump.choose(_look_at(database).major, embedded), database.url)
    return Plan(_("Back up the database into {directory}.").format(directory=directory), statements=[shlex.join(argv)])


def create(database: Database, directory: Path, *, key_id: str, embedded: Path | None) -> RestorePoint:
    """Back up a database into a directory; complete and verified, or no file at all.

    ``key_id`` is recorded: the rows' secrets need that key. ``embedded`` is where the embedded PostgreSQL keeps its
    programs. Raises Busy (another backup runs), CannotCreate (disk full), ProgramFailed (pg_dump), Unavailable.
    """
    began = time.monotonic()
    source = _look_at(database)
    programs = pg_dump.choose(source.major, embedded)
    files.directory(directory, mode=0o700)
    with _disk_errors_said(directory), _alone(directory), _nothing_left_behind(directory):
        created_at = datetime.now(UTC)
        name = _free_name(directory, created_at)
        partial = directory / f"{name}.dump.zst{_PARTIAL}"
        sha256, size = _dump(programs, database.url, partial)
        _read_again(programs, partial, sha256)
        point = RestorePoint(
            id=name,
            path=str(directory / f"{name}.dump.zst"),
            created_at=created_at,
            size_bytes=size,
            database=source.database,
            database_bytes=source.database_bytes,
            format="custom+zstd",
            sha256=sha256,
            revision=_revision(database),
            server_version=source.server_version,
            pg_dump_version=programs.version,
            extensions=source.extensions,
            key_id=key_id,
            duration_seconds=round(time.monotonic() - began, 3),
            verified=True,
        )
        manifest = directory / f"{name}{restore_points.SUFFIX}{_PARTIAL}"
        files.write(manifest, msgspec.json.format(msgspec.json.encode(point), indent=2).decode() + "\n", mode=0o600)
        _named(partial)
        _named(manifest)
        files.sync_directory(directory)
    return point


def _look_at(database: Database) -> _Source:
    return database.rows(_Source, postgres.question(__file__, "source"))[0]


def _revision(database: Database) -> str | None:
    """The schema's revision; None in a database that was never migrated."""
    if database.value("SELECT to_regclass('alembic_version')") is None:
        return None
    found: str | None = database.value("SELECT version_num FROM alembic_version")
    return found


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Keep a second backup into this directory out. Raises Busy."""
    descriptor = os.open(directory / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = _holder(descriptor)
            raise Busy(
                _("Another backup is being made in {directory}.").format(directory=directory),
                why=_("Process {pid} holds the lock.").format(pid=holder or "?"),
                hint=f"ps -fp {holder}" if holder else f"fuser -v {shlex.quote(f'{directory}/.lock')}",
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
        os.ftruncate(descriptor, 0)  # while the next one writes its number, nobody shall read ours
    finally:
        os.close(descriptor)


def _holder(descriptor: int) -> str:
    """The number of the process that has the lock; it writes it a moment after it got the lock."""
    for _attempt in range(50):
        if holder := os.pread(descriptor, 20, 0).decode("ascii", "replace").strip():
            return holder
        time.sleep(0.01)
    return ""


def _named(partial: Path) -> None:
    """Give a file that is complete its name."""
    partial.rename(partial.with_name(partial.name.removesuffix(_PARTIAL)))


def _clear(directory: Path) -> None:
    """Finish or remove what a killed backup left; what others put here stays."""
    unnamed = f"{restore_points.SUFFIX}{_PARTIAL}"
    for manifest in directory.glob(f"*{unnamed}"):
        if (directory / f"{manifest.name.removesuffix(unnamed)}.dump.zst").exists():
            _named(manifest)  # the dump had its name already: nothing else was missing
    for left in directory.glob(f"*{_PARTIAL}"):
        left.unlink(missing_ok=True)


@contextmanager
def _nothing_left_behind(directory: Path) -> Iterator[None]:
    _clear(directory)
    try:
        yield
    finally:
        _clear(directory)


@contextmanager
def _disk_errors_said(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CannotCreate(
            _("The backup cannot be written to {directory}.").format(directory=directory),
            why=f"{error.strerror}.",
            hint=files.remedy(error, directory),
        ) from error


def _free_name(directory: Path, moment: datetime) -> str:
    base = f"chatai_{moment:%Y%m%dT%H%M%SZ}"
    names = (base, *(f"{base}_{number}" for number in range(2, 1000)))
    return next(name for name in names if not any(directory.glob(f"{name}.*")))


def _dump(programs: pg_dump.Programs, url: str, partial: Path) -> tuple[str, int]:
    """Dump into a file that nobody else may read; its SHA-256 and its size."""
    argv, environment = pg_dump.dump_command(programs, url)
    digest = hashlib.sha256()
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        with command.reading(argv, env=environment) as stream:
            _compress(stream, file, digest)
        os.fsync(file.fileno())
        return digest.hexdigest(), file.tell()


def _compress(stream: IO[bytes], file: IO[bytes], digest: _Hash) -> None:
    compressor = zstandard.ZstdCompressor(level=_LEVEL, threads=-1, write_checksum=True).compressobj()
    while block := stream.read(_BLOCK):
        _append(file, compressor.compress(block), digest)
    _append(file, compressor.flush(), digest)


def _append(file: IO[bytes], data: bytes, digest: _Hash) -> None:
    digest.update(data)
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def _read_again(programs: pg_dump.Programs, partial: Path, sha256: str) -> None:
    """Read the file from the disk and let pg_restore read every member. Raises BadData, ProgramFailed."""
    digest = hashlib.sha256()
    decompressor = zstandard.ZstdDecompressor().decompressobj()
    with partial.open("rb") as file, command.writing(pg_dump.list_command(programs)) as restore:
        while block := file.read(_BLOCK):
            digest.update(block)
            restore.write(decompressor.decompress(block))
    if digest.hexdigest() != sha256:
        raise BadData(
            _("The backup reads back other than it was written."),
            why=_("The disk of {path} cannot be trusted.").format(path=partial.parent),
            hint="dmesg | tail",
        )
