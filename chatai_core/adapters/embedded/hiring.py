"""Starting the keeper of a home, and the locks that tell who is there.

A lock belongs to an open file: it ends with the last process that holds the file open, whatever ends it.
"""

import fcntl
import os
import socket
import sys
from contextlib import ExitStack
from pathlib import Path

from chatai_core.adapters.embedded.places import Places, made, not_made, quoted
from chatai_core.errors import Unavailable
from chatai_core.i18n import _

_KEEPER = "chatai_core.adapters.embedded.keeper"
# The keeper lives long: the secrets in the environment of its first user are none of its business.
_KEPT = ("PATH", "PYTHON", "VIRTUAL_ENV", "LANG", "LC_", "CHATAI_LANG", "CHATAI_LOCALE_DIR", "LD_", "DYLD_", "__PYVENV")


def hire(places: Places) -> bool:
    """Start a keeper, unless one lives; whether it was started. Raises CannotCreate, NotPermitted, Unavailable.

    Its lock and its socket are made here and inherited: there is never a moment with a keeper and without them.
    """
    import subprocess  # most users find a keeper

    with ExitStack() as stack:
        lock = opened(places.keeper_lock)
        stack.callback(os.close, lock)
        if not locked(lock, fcntl.LOCK_EX):
            return False
        made(places.sockets)
        listener = stack.enter_context(_listening(places.keeper_socket))
        log = opened(places.log("keeper"))
        stack.callback(os.close, log)
        try:
            subprocess.run(
                [sys.executable, "-P", "-m", _KEEPER, str(places.home), str(lock), str(listener.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_environment(),
                pass_fds=(lock, listener.fileno()),
                start_new_session=True,
                check=False,  # it ends at once, having left a child of its own; what went wrong stands in the log
            )
        except OSError as error:
            raise Unavailable(
                _("The keeper of the embedded servers cannot be started."),
                why=f"{sys.executable}: {error.strerror}.",
                hint=f"ls -lL {quoted(Path(sys.executable))}",
            ) from error
    return True


def opened(path: Path) -> int:
    """The file of a lock or a log, closed when a program is started. Raises CannotCreate."""
    try:
        return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise not_made(path, error) from error


def locked(descriptor: int, kind: int) -> bool:
    """Whether the lock was granted at once."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _listening(path: Path) -> socket.socket:
    """A new socket at this path, in place of what a killed keeper left. For the holder of the keeper's lock."""
    listener = socket.socket(socket.AF_UNIX)
    try:
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise not_made(path, error) from error
    return listener


def _environment() -> dict[str, str]:
    """The package must be found from / as well, also when it is run from a checkout."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(_KEPT)}
    ours, theirs = str(Path(__file__).resolve().parents[3]), os.environ.get("PYTHONPATH")
    return {**kept, "PYTHONPATH": f"{ours}{os.pathsep}{theirs}" if theirs else ours}
