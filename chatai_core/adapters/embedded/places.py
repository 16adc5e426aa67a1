"""Where the embedded servers of one home keep their files, locks and sockets."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from chatai_core.errors import CannotCreate, NotPermitted
from chatai_core.i18n import _

# sun_path holds 108 bytes on Linux and 104 on macOS, the last one a zero.
_LONGEST_ADDRESS = 103
_LONGEST_NAME = "/postgres/.s.PGSQL.5432"


@dataclass(frozen=True, slots=True)
class Places:
    """The paths below one home, whose path is absolute and without symbolic links."""

    home: Path

    @property
    def run(self) -> Path:
        """Locks and logs; the sockets too, unless their paths are too long."""
        return self.home / "run"

    @property
    def sockets(self) -> Path:
        """``run``, or a short directory in /tmp that depends on nothing but the user and the home.

        A comma would make libpq see two hosts.
        """
        longest = len(os.fsencode(self.run)) + len(_LONGEST_NAME)
        if longest <= _LONGEST_ADDRESS and "," not in str(self.run):
            return self.run
        import hashlib  # OpenSSL's bindings, for few homes

        digest = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:12]
        return Path(f"/tmp/chatai-{os.geteuid()}-{digest}")  # noqa: S108  its owner is checked when it is made

    @property
    def users_lock(self) -> Path:
        """Held shared by every user, wanted exclusively by the keeper."""
        return self.run / "users.lock"

    @property
    def leaving_lock(self) -> Path:
        """Held for an instant by the user who finds out whether it is the last."""
        return self.run / "leaving.lock"

    @property
    def keeper_lock(self) -> Path:
        """Held by the keeper for its whole life."""
        return self.run / "keeper.lock"

    @property
    def keeper_socket(self) -> Path:
        """Where the keeper is asked; it stays behind when a keeper was killed."""
        return self.sockets / "keeper.sock"

    @property
    def postgres_socket(self) -> Path:
        """Where PostgreSQL listens; the directory is libpq's ``host``."""
        return self.sockets / "postgres" / ".s.PGSQL.5432"

    @property
    def valkey_socket(self) -> Path:
        """Where Valkey listens."""
        return self.sockets / "valkey" / "valkey.sock"

    @property
    def database_url(self) -> str:
        """The URL for libpq, psycopg2 and SQLAlchemy."""
        return f"postgresql://postgres@/chatai?host={quote(os.fsencode(self.postgres_socket.parent))}"

    @property
    def redis_url(self) -> str:
        """The URL for redis-py."""
        return f"unix://{quote(os.fsencode(self.valkey_socket))}?db=0"

    def server_lock(self, name: str) -> Path:
        """Held by a server and its children, whoever started them, as long as one lives."""
        return self.run / f"{name}.lock"

    def log(self, name: str) -> Path:
        """The log of ``keeper``, ``postgres`` or ``valkey``."""
        return self.run / f"{name}.log"


def made(directory: Path, *, parents: bool = False) -> Path:
    """A directory of this user that nobody else can write to. Raises CannotCreate, NotPermitted."""
    try:
        directory.mkdir(mode=0o700, parents=parents, exist_ok=True)
        found = directory.lstat()
        if found.st_uid != os.geteuid():
            raise foreign(directory, found.st_uid)
        if not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o022:
            raise NotPermitted(
                _("The directory {path} is open to others.").format(path=directory),
                why=_("Whoever can write to it could take the servers' place."),
                hint=f"chmod go-w {quoted(directory)}",
            )
        if os.geteuid() == 0:  # the servers run as another user, who has to pass through to the own directory
            directory.chmod(0o711)
    except OSError as error:
        raise not_made(directory, error) from error
    return directory


def foreign(path: Path, uid: int) -> NotPermitted:
    """The error for a path that belongs to another user."""
    return NotPermitted(
        _("{path} belongs to {owner}.").format(path=path, owner=name_of(uid)),
        why=_("The embedded servers of one CHATAI_HOME belong to one user."),
        hint="export CHATAI_HOME=/var/lib/chatai" if os.geteuid() == 0 else "export CHATAI_HOME=~/.chatai",
    )


def not_made(path: Path, error: OSError) -> CannotCreate:
    """The error for a file or directory that the system refuses."""
    return CannotCreate(
        _("{path} cannot be written.").format(path=path),
        why=f"{error.strerror}.",
        hint=f"ls -ld {quoted(path.parent)}; df -h {quoted(path.parent)}",
    )


def quoted(path: Path) -> str:
    """The path as it is typed in a shell."""
    import shlex  # only errors need it

    return shlex.quote(str(path))


def name_of(uid: int) -> str:
    """The login name, or the number when it has none."""
    import pwd  # only errors need it

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
