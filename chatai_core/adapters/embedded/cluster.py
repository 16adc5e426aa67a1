"""The embedded PostgreSQL: made whole or not at all, reached through a Unix socket only."""

import os
import secrets
import shutil
import signal
import struct
import subprocess
from pathlib import Path

from chatai_core.adapters.embedded import reach, server
from chatai_core.adapters.embedded.owner import Owner
from chatai_core.adapters.embedded.places import Places, quoted
from chatai_core.adapters.embedded.server import Argument, Process, Server
from chatai_core.errors import ChataiError, Misconfigured
from chatai_core.i18n import _

STOP = signal.SIGINT  # fast shutdown: sessions are ended, nothing is lost
STOP_HARD = signal.SIGQUIT  # immediate shutdown: it recovers at the next start
# The shortest thing that a postmaster answers: https://www.postgresql.org/docs/18/protocol-message-formats.html
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
_SETTINGS = {
    "shared_preload_libraries": "pg_stat_statements",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "jit": "off",
    "track_io_timing": "on",
}
# The builtin provider needs no locale of the operating system: everywhere the same letters and the same order.
_LOCALE = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")


def adopted(places: Places) -> Process | None:
    """The PostgreSQL that a killed keeper left running."""
    return _server(places).adopted()


def answers(places: Places, process: Process) -> bool:
    """Whether it can be used; waits while it is starting. Raises Busy."""
    return _server(places).answers(process)


def start(places: Places, owner: Owner, wheel: Path) -> Process:
    """Start it; make the cluster when there is none.

    Raises Unavailable, Misconfigured, NotPermitted, CannotCreate, Busy.
    """
    binaries = reach.postgres(wheel, owner, places.home)
    data = _data(places)
    owner.directory(data.parent)
    owner.directory(places.postgres_socket.parent)
    for left_over in data.parent.glob("new-*"):
        shutil.rmtree(left_over, ignore_errors=True)
    if not data.exists():
        owner.must_be_known()
        _make(data, owner, binaries, places.log("postgres"))
    owner.directory(data)
    try:
        return _server(places).start(_arguments(places, binaries), owner, lambda: _clear(places))
    except ChataiError as error:
        raise _other_version(data, binaries) or error from error


def _data(places: Places) -> Path:
    return places.home / "postgres" / "data"


def _server(places: Places) -> Server:
    data = _data(places)
    pid_file = data / "postmaster.pid"

    def is_ready(pid: int) -> bool:
        """What pg_ctl looks at, too: the first and the eighth line of postmaster.pid; then it must also answer."""
        try:
            lines = pid_file.read_text("utf-8", "replace").split("\n")
        except OSError:
            return False
        is_started = lines[0] == str(pid) and len(lines) > 7 and lines[7].strip() == "ready"
        return is_started and server.reply(places.postgres_socket, _SSL_REQUEST) in {b"N", b"S"}

    return Server("postgres", places, data, pid_file, places.postgres_socket, is_ready)


def _arguments(places: Places, binaries: Path) -> list[Argument]:
    """The settings that depend on where home lies, which may be moved."""
    directory = str(places.postgres_socket.parent).replace('"', '""')
    return [
        *(binaries / "postgres", "-D", _data(places)),
        *("-c", "listen_addresses=", "-c", "unix_socket_permissions=0700"),
        *("-c", f'unix_socket_directories="{directory}"'),
    ]


def _clear(places: Places) -> None:
    """Have PostgreSQL take its files for stale although their number now belongs to another process, or to a zombie.

    It does so when the number in postmaster.pid is its parent's. The rest stays: it leads to sessions left over.
    """
    for file in (places.postgres_socket, places.postgres_socket.with_name(f"{places.postgres_socket.name}.lock")):
        file.unlink(missing_ok=True)
    try:
        descriptor = os.open(_data(places) / "postmaster.pid", os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    with os.fdopen(descriptor, "r+b") as stream:
        _number, newline, rest = stream.read().partition(b"\n")
        stream.seek(0)
        stream.truncate()
        stream.write(str(os.getpid()).encode() + newline + rest)


def _make(data: Path, owner: Owner, binaries: Path, log: Path) -> None:
    """Make the cluster under another name, the database inside it, and only then give it its name."""
    new = data.with_name(f"new-{secrets.token_hex(4)}")
    settings = [f"--set={name}={value}" for name, value in _SETTINGS.items()]
    program = binaries / "initdb"
    server.run(
        [program, "-D", new, "-U", "postgres", "-A", "trust", "--no-sync", "--no-instructions", *_LOCALE, *settings],
        owner,
        log,
    )
    # Without a server, new things get numbers below 16384 unless told, and pg_dump takes those for PostgreSQL's own
    # and leaves them out: a backup without CREATE EXTENSION, which cannot be restored.
    server.run([binaries / "pg_resetwal", "--next-oid=16384", "-D", new], owner, log)
    # Without a server, and without fsync: all of it is synced before it gets its name.
    alone = (binaries / "postgres", "--single", "-j", "-D", new, "-c", "fsync=off", "-c", "exit_on_error=on")
    server.run([*alone, "postgres"], owner, log, "CREATE DATABASE chatai;\n\n")
    extensions = "CREATE EXTENSION vector;\n\nCREATE EXTENSION pg_stat_statements;\n\n"
    server.run([*alone, "chatai"], owner, log, extensions)
    server.run([program, "-D", new, "--sync-only"], owner, log)
    new.rename(data)
    parent = os.open(data.parent, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(parent)
    os.close(parent)


def _other_version(data: Path, binaries: Path) -> Misconfigured | None:
    """The true reason when the data is of another major version than the binaries."""
    try:
        ours = (data / "PG_VERSION").read_text("ascii").strip()
        said = subprocess.run([binaries / "postgres", "-V"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    theirs = said.split()[-1].split(".")[0]
    if ours == theirs:
        return None
    return Misconfigured(
        _("The data in {data} is of PostgreSQL {ours}; the embedded server is PostgreSQL {theirs}.").format(
            data=data, ours=ours, theirs=theirs
        ),
        why=_("PostgreSQL does not read the data of another major version."),
        hint=f"mv {quoted(data)} {quoted(data.with_suffix(f'.{ours}'))}",
    )
