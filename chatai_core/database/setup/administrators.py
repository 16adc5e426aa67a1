"""Who may do what ChatAI's own role may not: a superuser whose address is given, or who owns the server's socket."""

import os
import pwd
from pathlib import Path
from urllib.parse import quote

from chatai_core.adapters import postgres
from chatai_core.adapters.postgres import Address, Session
from chatai_core.errors import ChataiError, Misconfigured, Misused
from chatai_core.i18n import _

_APPLICATION = "chatai db setup"
_SETTINGS = {"lock_timeout": "10s"}
_SOCKETS = Path("/var/run/postgresql")
_HERE = {"", "localhost", "127.0.0.1", "::1"}


class Administrator:
    """Whose connection it is; ``user`` is the user of this machine who makes it, None is who runs ChatAI.

    No dataclass: its address may hold a password, which no answer may show.
    """

    def __init__(self, url: str, user: int | None = None) -> None:
        self._url = url
        self._user = user

    def __str__(self) -> str:
        return postgres.masked(self._url)

    def session(self, database: str | None = None) -> Session:
        """A session in one of the server's databases. Raises what Database raises."""
        url = self._url if database is None else postgres.at(self._url, database)
        with postgres.acting_as(self._user):
            return Session(url, application=_APPLICATION, settings=_SETTINGS)


def given(url: str, *, as_argument: bool) -> Administrator:
    """The one whose address was given; in an argument it must not hold the password. Raises Misused."""
    try:
        address = postgres.read(url)
    except Misconfigured as error:
        raise Misused(
            _("--admin-url is not a PostgreSQL address."),
            why=error.why,
            hint="postgresql://postgres@localhost/postgres",
        ) from error
    if as_argument and address.password is not None:
        raise Misused(
            _("--admin-url holds a password."),
            why=_("Whoever lists the processes of this machine reads it there."),
            hint="--admin-url-file FILE",
        )
    return Administrator(postgres.at(url, postgres.name_of(url)))


def by_socket(address: Address) -> Administrator | None:
    """The owner of the server's Unix socket, when that is who runs ChatAI, or when root does; None when it is neither.

    PostgreSQL takes such a connection for that user's role without a password, as Debian sets it up (peer).
    """
    socket = _socket(address)
    if socket is None:
        return None
    owner = socket.stat().st_uid
    if os.geteuid() not in {0, owner}:
        return None
    try:
        name = pwd.getpwuid(owner).pw_name
    except KeyError:  # a container's user
        return None
    query = f"host={quote(str(socket.parent), safe='')}&port={address.port}"
    administrator = Administrator(f"postgresql://{quote(name)}@/postgres?{query}", owner)
    return administrator if _is_superuser_of(administrator, address) else None


def _socket(address: Address) -> Path | None:
    """The socket of the server that an address of this machine means."""
    directory = Path(address.host) if address.host.startswith("/") else _SOCKETS if address.host in _HERE else None
    socket = directory / f".s.PGSQL.{address.port}" if directory else None
    return socket if socket and socket.is_socket() else None


def _is_superuser_of(administrator: Administrator, address: Address) -> bool:
    """Whether the server lets him in as a superuser, and is the one that the address means: it listens there."""
    try:
        with administrator.session() as session:
            listens = session.database.value("SELECT setting FROM pg_settings WHERE name = 'listen_addresses'")
            is_superuser = session.database.value("SELECT rolsuper FROM pg_roles WHERE rolname = session_user")
    except ChataiError:
        return False
    return bool(is_superuser) and (bool(listens) or address.host == "" or address.host.startswith("/"))
