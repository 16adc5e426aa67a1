"""The port of the backend, taken before anything else is started."""

import errno
import socket

from chatai_core.adapters import processes
from chatai_core.errors import Busy, ChataiError, Misconfigured, NotPermitted
from chatai_core.i18n import _

_BACKLOG = 2048
_TYPED = {"CHATAI_PORT": "chatai serve --port", "CHATAI_MANAGER_PORT": "chatai serve --bots --manager-port"}


def listen(host: str, port: int, *, setting: str = "CHATAI_PORT") -> socket.socket:
    """A socket that listens: whoever connects waits until we are ready. Port 0 takes a free one.

    Raises Busy (who holds the port), NotPermitted, Misconfigured.
    """
    family, address = _resolved(host, port)
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise _refused(error, host, port, setting) from error
    return listener


def require_free(host: str, port: int, *, setting: str) -> None:
    """Refuse a port that somebody else holds. Raises as ``listen``."""
    listen(host, port, setting=setting).close()


def url_of(listener: socket.socket) -> str:
    """Where the socket is reached from this machine."""
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"


def _resolved(host: str, port: int) -> tuple[socket.AddressFamily, tuple[object, ...]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise _no_address(host, f"{error.strerror}.") from error
    return found[0][0], found[0][4]


def _refused(error: OSError, host: str, port: int, setting: str) -> ChataiError:
    if error.errno == errno.EADDRINUSE:
        holder = processes.holder(port)
        why = (
            _("Process {pid} listens there: {program}.").format(pid=holder.pid, program=holder.program or "?")
            if holder
            else _("Another user's process listens there.")
        )
        what = _("Port {port} of {host} is taken.").format(port=port, host=host)
        return Busy(what, why=why, hint=f"{_TYPED[setting]} {port + 1}")
    if error.errno == errno.EACCES:
        return NotPermitted(
            _("Port {port} of {host} may not be taken.").format(port=port, host=host),
            why=_("Ports below 1024 belong to root."),
            hint=f"{_TYPED[setting]} 8000",
        )
    return _no_address(host, f"{error.strerror}.")


def _no_address(host: str, why: str) -> Misconfigured:
    return Misconfigured(
        _("{host} is no address of this machine.").format(host=host or "''"),
        why=why,
        hint="chatai serve --host 127.0.0.1",
    )
