"""Which pg_dump to use, and how to call it without showing the password."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chatai_core.adapters import command, postgres
from chatai_core.errors import Unavailable
from chatai_core.i18n import _


@dataclass(frozen=True, slots=True)
class Programs:
    """pg_dump and pg_restore of one PostgreSQL version; ``version`` as pg_dump prints it."""

    dump: Path
    restore: Path
    version: str

    @property
    def major(self) -> int:
        """The number that must not be smaller than the server's."""
        return int(self.version.split(".")[0])


def choose(server_major: int, embedded: Path | None) -> Programs:
    """The oldest pg_dump that is not older than the server (its files restore widest). Raises Unavailable."""
    found = list(_installed(embedded))
    able = sorted((p for p in found if p.major >= server_major), key=lambda programs: programs.major)
    if not able:
        raise Unavailable(
            _("There is no pg_dump for PostgreSQL {major}.").format(major=server_major),
            why=_("A pg_dump older than the server refuses to work; found: {found}.").format(
                found=", ".join(p.version for p in found) or _("none")
            ),
            hint=f"apt install postgresql-client-{server_major}",
        )
    return able[0]


def dump_command(programs: Programs, url: str) -> tuple[list[str], dict[str, str]]:
    """The words and the environment of a dump to stdout: custom format, not compressed (we do that, faster)."""
    argv = [str(programs.dump), "--format=custom", "--compress=0", "--no-password", "--lock-wait-timeout=60s"]
    address, environment = postgres.without_password(url)
    return [*argv, f"--dbname={address}"], environment


def list_command(programs: Programs) -> list[str]:
    """The words that make pg_restore read every member of an archive on stdin and write nothing."""
    return [str(programs.restore), "--format=custom", "--file=/dev/null"]


def _installed(embedded: Path | None) -> Iterator[Programs]:
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    for directory in (*system, embedded):
        if directory is not None and (directory / "pg_dump").exists():
            yield from _programs(directory)
    on_path = command.find("pg_dump")
    if on_path is not None and on_path.resolve().parent not in {d.resolve() for d in system}:
        yield from _programs(on_path.parent)


def _programs(directory: Path) -> Iterator[Programs]:
    """The pair in one directory; nothing when it cannot be run."""
    try:
        said = command.run([directory / "pg_dump", "--version"], timeout=10, check=False).stdout
    except Unavailable:
        return
    if (match := re.search(r"\) (\d+(\.\d+)?)", said)) and (directory / "pg_restore").exists():
        yield Programs(directory / "pg_dump", directory / "pg_restore", match[1])
