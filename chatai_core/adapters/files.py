"""Files that are written whole or not at all."""

import errno
import os
import secrets
import shlex
import tempfile
from pathlib import Path

from chatai_core.errors import CannotCreate
from chatai_core.i18n import _


def directory(path: Path, *, mode: int = 0o755) -> Path:
    """The directory; what is missing of it and its parents is made, whatever the umask. Raises CannotCreate."""
    try:
        missing = [place for place in (path, *path.parents) if not place.exists()]
        path.mkdir(parents=True, exist_ok=True)
        for place in missing:
            place.chmod(mode if place == path else 0o755)
    except OSError as error:
        raise CannotCreate(
            _("The directory {path} cannot be made.").format(path=path),
            why=f"{error.strerror}.",
            hint=remedy(error, path.parent),
        ) from error
    return path


def secret(path: Path, *, size: int = 32) -> str:
    """The secret in a file of mode 0600; made (``size`` random bytes, hexadecimal) by whoever comes first."""
    while (found := kept(path)) is None:
        directory(path.parent, mode=0o700)
        write(path, secrets.token_hex(size) + "\n", mode=0o600, replace=False)
    return found


def kept(path: Path) -> str | None:
    """The secret in a file; None when there is no such file. Raises CannotCreate."""
    try:
        return path.read_text("ascii").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise CannotCreate(
            _("The key {path} cannot be read.").format(path=path),
            why=f"{error.strerror}.",
            hint=f"ls -l {path}",
        ) from error


def write(path: Path, content: str | bytes, *, mode: int = 0o644, replace: bool = True) -> bool:
    """Write a file at once (temporary file, fsync, rename). False when it existed and ``replace`` is off."""
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise _not_written(path, error) from error
    try:
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(stream.fileno(), mode)
            stream.write(content.encode() if isinstance(content, str) else content)
            stream.flush()
            os.fsync(stream.fileno())
        if replace:
            Path(temporary).replace(path)
        else:
            os.link(temporary, path)
        sync_directory(path.parent)
    except FileExistsError:
        return False
    except OSError as error:
        raise _not_written(path, error) from error
    finally:
        Path(temporary).unlink(missing_ok=True)
    return True


def room(path: Path) -> tuple[int, int] | None:
    """Bytes that are free where this path is, and bytes in all; None when there is no such path to be seen."""
    try:
        found = os.statvfs(path)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize


def same(one: Path, other: Path) -> bool:
    """Whether both are the same place; not when one cannot be seen."""
    try:
        return one.samefile(other)
    except OSError:
        return False


def sync_directory(path: Path) -> None:
    """Make a rename in this directory survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remedy(error: OSError, place: Path) -> str:
    """The command that shows why nothing could be written in a directory: no room, or no right."""
    look = "df -h" if error.errno in {errno.ENOSPC, errno.EDQUOT} else "ls -ld"
    return f"{look} {shlex.quote(str(place))}"


def _not_written(path: Path, error: OSError) -> CannotCreate:
    return CannotCreate(
        _("{path} cannot be written.").format(path=path),
        why=f"{error.strerror}.",
        hint=remedy(error, path.parent),
    )
