"""A log file that several processes append to, put aside when its day is over; no line is lost or torn.

Each record is one write to a descriptor in append mode, which the kernel does not interleave; only kill -9 and a full
disk can cut one short, and then the next record begins on a line of its own. Whoever first notices that the day is
over renames the file under a lock of its directory; the others notice that the name means another file and open that.
Nobody ever waits: with the lock taken, the record goes to the file that is being put aside.
"""

import errno
import fcntl
import itertools
import os
import re
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from chatai_core.i18n import _

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
_FILE_MODE, _DIRECTORY_MODE = 0o640, 0o750
_COMPRESSED = ("", ".gz", ".zst", ".bz2", ".xz")
_PATIENCE = 60.0  # seconds between two complaints, and before a rotation that failed is tried again
# The kernel stamps files with the clock of its last tick, at most 10 ms old: a file made at midnight is not
# yesterday's.
_CLOCK_LAG = 0.02


def next_midnight(moment: float) -> float:
    """The end of the local day in which this moment (seconds since 1970) lies."""
    day = time.localtime(moment)
    return time.mktime((day.tm_year, day.tm_mon, day.tm_mday + 1, 0, 0, 0, 0, 0, -1))


class RotatedFile:
    """One log of one process. Its caller makes sure that one thread at a time writes."""

    def __init__(self, path: Path, *, keep: int, ends: Callable[[float], float] = next_midnight) -> None:
        """``keep`` days of put-aside files stay; ``ends`` says when the period of a moment is over."""
        self.path = path
        self.lost = 0  # records that could not be written since the last that could
        self._keep = keep
        self._ends = ends
        self._descriptor = -1
        self._identity = (0, 0)
        self._day = ""  # of the file, as its name will say when it is put aside
        self._until = 0.0  # when to put it aside
        self._is_regular = False
        self._complained = -_PATIENCE

    def write(self, record: bytes) -> bool:
        """Append one record, newline included. False when it could not be; then stderr says so once a minute."""
        try:
            self._be_current()
            self._append(record)
        except OSError as error:
            self.lost += 1
            self._complain(_("chatai: {path} cannot be written: {reason}. Records lost so far: {count}."), error)
            return False
        return True

    def close(self) -> None:
        """Close the file; the next write opens it again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1
        self._identity = (0, 0)

    def _be_current(self) -> None:
        if _identity_of(self.path) != self._identity or self._descriptor < 0:
            self._reopen()
        if time.time() >= self._until:
            self._rotate()

    def _append(self, record: bytes) -> None:
        if self._is_regular and _ends_in_a_fragment(self._descriptor):
            record = b"\n" + record
        while record:  # only a full disk cuts a write short
            record = record[os.write(self._descriptor, record) :]

    def _reopen(self) -> None:
        self.close()
        self._descriptor = _opened(self.path)
        found = os.fstat(self._descriptor)
        self._identity = (found.st_dev, found.st_ino)
        now = time.time()
        self._until = self._ends(min(found.st_mtime + _CLOCK_LAG, now) if found.st_size else now)
        self._day = time.strftime("%Y-%m-%d", time.localtime(self._until - 0.001))
        self._is_regular = stat.S_ISREG(found.st_mode)

    def _rotate(self) -> None:
        try:
            with _locked(self.path.parent) as locked:
                if not locked:
                    return
                if _identity_of(self.path) == self._identity:
                    self._put_aside()
            self._reopen()
        except OSError as error:
            self._complain(_("chatai: {path} cannot be rotated: {reason}."), error)
            if self._descriptor < 0:
                raise
            self._until = time.time() + _PATIENCE

    def _put_aside(self) -> None:
        if os.fstat(self._descriptor).st_size == 0:
            return
        names = os.listdir(self.path.parent)
        name = self._free_name(set(names))
        self.path.rename(self.path.with_name(name))
        self._remove_old([*names, name])

    def _free_name(self, taken: set[str]) -> str:
        dated = f"{self.path.name}.{self._day}"
        names = itertools.chain([dated], (f"{dated}.{number}" for number in itertools.count(1)))
        return next(name for name in names if taken.isdisjoint(name + suffix for suffix in _COMPRESSED))

    def _remove_old(self, names: list[str]) -> None:
        dated = re.compile(re.escape(self.path.name) + r"\.(\d{4}-\d\d-\d\d)(?:\.\w+)*")
        days = {name: match[1] for name in names if (match := dated.fullmatch(name))}
        kept = sorted(set(days.values()))[-self._keep :]
        for name, day in days.items():
            if day not in kept:
                with suppress(FileNotFoundError):
                    self.path.with_name(name).unlink()

    def _complain(self, sentence: str, error: OSError) -> None:
        if time.monotonic() - self._complained < _PATIENCE:
            return
        self._complained = time.monotonic()
        # stderr may be closed or full as well: then there is nobody left to tell.
        with suppress(OSError, ValueError, AttributeError):
            sys.stderr.write(sentence.format(path=self.path, reason=error.strerror, count=self.lost) + "\n")


def _identity_of(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116  half the time of path.stat(), once a record
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _ends_in_a_fragment(descriptor: int) -> bool:
    """Whether somebody was killed or ran out of disk while writing the last line."""
    size = os.lseek(descriptor, 0, os.SEEK_END)
    if size == 0 or os.pread(descriptor, 1, size - 1) in (b"\n", b""):
        return False
    time.sleep(0.001)  # another process may be in the middle of its write
    return os.lseek(descriptor, 0, os.SEEK_END) == size


@contextmanager
def _locked(directory: Path) -> Iterator[bool]:
    """The lock of this directory among ChatAI's processes; False when another one has it."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield _is_mine(descriptor)
    finally:
        os.close(descriptor)


def _is_mine(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _opened(path: Path) -> int:
    """The file, made when it is missing; between the two questions another process may rename it."""
    for _attempt in range(100):
        with suppress(FileNotFoundError):
            return os.open(path, _FLAGS | _no_link(path.parent))
        path.parent.mkdir(_DIRECTORY_MODE, parents=True, exist_ok=True)
        with suppress(FileExistsError, FileNotFoundError):
            return _created(path)
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)  # a link to nowhere


def _no_link(directory: Path) -> int:
    """Root follows no link that the service's user may have planted in its own directory."""
    return os.O_NOFOLLOW if os.geteuid() == 0 and directory.exists() and directory.stat().st_uid != 0 else 0


def _created(path: Path) -> int:
    descriptor = os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    os.fchmod(descriptor, _FILE_MODE)
    if os.geteuid() == 0:
        # A command that root runs must not leave a log that the service's user cannot write.
        owner = path.parent.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
    return descriptor
