"""The files of a log: the living one and what was put aside, plain or compressed, newest first."""

import os
import re
import stat
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from io import BufferedReader
from pathlib import Path

from chatai_core.errors import BadData, Misused, NotFound, NotPermitted
from chatai_core.i18n import _
from chatai_core.logs import compression

_STDIN = Path("-")
_COMPRESSED = (".gz", ".zst")


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One opened log. Without a size it is compressed or a pipe, and can only be read from its beginning."""

    name: str
    file: BufferedReader
    unpacked: compression.Readable
    size: int | None
    modified: datetime | None  # no record is younger; None: nobody knows
    identity: tuple[int, int]

    def read(self, size: int) -> bytes:
        """The next bytes, unpacked; empty at the end. Raises BadData."""
        try:
            return self.unpacked.read1(size)
        except (OSError, EOFError, zlib.error) as error:
            raise _damaged(self.name, str(error)) from error

    def read_at(self, begin: int, end: int) -> bytes:
        """The bytes between two positions of a file with a size; fewer when it was cut meanwhile. Raises BadData."""
        try:
            return os.pread(self.file.fileno(), end - begin, begin)
        except OSError as error:
            raise _damaged(self.name, str(error.strerror)) from error


def opened(path: Path) -> Source:
    """One log, ``-`` for stdin; how it is compressed is seen in its first bytes. Raises NotFound, NotPermitted,
    Misused (a directory), BadData.
    """
    if path == _STDIN:
        return _source("stdin", _stdin())
    try:
        return _source(str(path), path.open("rb"))
    except (FileNotFoundError, NotADirectoryError) as error:
        hint = f"ls -l {path.parent}"
        raise NotFound(_("There is no file {path}.").format(path=path), hint=hint) from error
    except IsADirectoryError as error:
        raise Misused(_("{path} is a directory.").format(path=path), hint=f"ls -l {path}") from error
    except PermissionError as error:
        raise _unreadable(path, error) from error
    except OSError as error:
        raise _damaged(str(path), str(error.strerror)) from error


def chosen(directory: Path, files: Sequence[Path], name: str) -> Iterator[Iterator[Source]]:
    """The named files, each for itself; with none named the directory's log with all that was put aside."""
    if not files:
        yield rotated(directory, name)
    for path in dict.fromkeys(files):
        yield iter([opened(path)])


def rotated(directory: Path, name: str) -> Iterator[Source]:
    """The living log and then its put-aside files, each once, though they may be renamed meanwhile.

    Raises NotFound when there is none at all, NotPermitted when one that is needed cannot be read.
    """
    seen: set[tuple[int, int]] = set()
    for path in _paths(directory, name):
        try:
            source = opened(path)
        except (NotFound, Misused):
            continue  # it vanished, or it is a directory
        if source.identity in seen:
            source.file.close()
            continue
        seen.add(source.identity)
        yield source
    if not seen:
        raise NotFound(
            _("There is no log in {directory}.").format(directory=directory),
            why=_("Neither {name} nor a file that was put aside is there.").format(name=name),
            hint="chatai config show --origin",
        )


def _paths(directory: Path, name: str) -> Iterator[Path]:
    # The living file is opened before the others are listed: one that is put aside in between is then known.
    yield directory / name
    try:
        names = os.listdir(directory)
    except (FileNotFoundError, NotADirectoryError):
        return
    except PermissionError as error:
        raise _unreadable(directory, error) from error
    aside = [directory / found for found in names if _age(directory / found, name) and not _is_twin(found, names)]
    yield from sorted(aside, key=lambda path: _age(path, name) or (), reverse=True)


def _age(path: Path, name: str) -> tuple[date, int] | None:
    """Sorts put-aside files by age: our dates, logrotate's numbers (dated by their last change) and its dates."""
    pattern = re.escape(name) + r"(?:[.-](\d{4})-?(\d\d)-?(\d\d)(?:\.(\d+))?|\.(\d{1,3}))(?:\.gz|\.zst)?"
    match = re.fullmatch(pattern, path.name)
    if match is None:
        return None
    year, month, day, part, number = match.groups()
    try:
        if number is None:
            return date(int(year), int(month), int(day)), int(part or 0)
        return date.fromtimestamp(path.stat().st_mtime), -int(number)
    except (ValueError, OSError):
        return None


def _is_twin(name: str, names: list[str]) -> bool:
    """Whether this is the packed copy, perhaps unfinished, of a file that is still there."""
    return name.endswith(_COMPRESSED) and name.rpartition(".")[0] in names


def _stdin() -> BufferedReader:
    stream = getattr(sys.stdin, "buffer", None)
    if not isinstance(stream, BufferedReader):
        raise Misused(_("There is nothing on stdin."), hint="chatai logs errors --file - < api.log")
    return stream


def _source(name: str, file: BufferedReader) -> Source:
    found = os.fstat(file.fileno())
    unpacked = compression.unpacked(file)
    regular = stat.S_ISREG(found.st_mode)
    size = found.st_size if regular and unpacked is None and name != "stdin" else None
    modified = datetime.fromtimestamp(found.st_mtime, UTC) if regular else None
    return Source(name, file, unpacked or file, size, modified, (found.st_dev, found.st_ino))


def _unreadable(path: Path, error: OSError) -> NotPermitted:
    return NotPermitted(
        _("{path} cannot be read.").format(path=path), why=f"{error.strerror}.", hint="sudo chatai logs errors"
    )


def _damaged(name: str, reason: str) -> BadData:
    what, why = _("{file} is damaged.").format(file=name), reason.rstrip(".") + "."
    return BadData(what, why=why, hint=f"file {name}")
