"""Redis or Valkey: one client for a process, short timeouts, errors in the operator's words."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import redis
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
)
from redis.retry import Retry

from chatai_core.errors import AccessRefused, Busy, ChataiError, Misconfigured, Unavailable
from chatai_core.i18n import _
from chatai_core.units import Milliseconds

if TYPE_CHECKING:
    from redis.commands.core import Script

CONNECT_SECONDS = 1.0
OPERATION_SECONDS = 0.5
_HINT = "chatai config show --origin"


class Redis:
    """One Redis server. Connects when first asked, and never makes a caller wait longer than a second."""

    def __init__(
        self, url: str, *, connect_timeout: float = CONNECT_SECONDS, timeout: float = OPERATION_SECONDS
    ) -> None:
        self.url = url
        self.client = _client(url, connect_timeout, timeout)

    def ping(self) -> Milliseconds:
        """How long the server took to answer. Raises Unavailable, NotPermitted, Busy."""
        started = time.perf_counter()
        with self.translated():
            self.client.ping()
        return (time.perf_counter() - started) * 1000

    def script(self, lua: str) -> "Script":
        """A Lua script that the server keeps; call it inside ``translated``."""
        return self.client.register_script(lua)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn redis-py's errors into ours."""
        try:
            yield
        except redis.RedisError as error:
            ours = as_ours(error, self.url)
            if ours is None:
                raise
            raise ours from error

    def close(self) -> None:
        """End all connections."""
        self.client.close()


def masked(url: str) -> str:
    """The URL without its password, for people.

    >>> masked("redis://user:secret@h:6379/0"), masked("unix:///run/v.sock?db=1&password=secret")
    ('redis://user@h:6379/0', 'unix:///run/v.sock')
    """
    scheme, _separator, rest = url.partition("?")[0].partition("://")
    credentials, at, address = rest.rpartition("@")
    user = credentials.split(":")[0]
    return f"{scheme}://{user}{at if user else ''}{address}"


def as_ours(error: redis.RedisError, url: str) -> ChataiError | None:
    """The error in the operator's words; None when it is a bug of ours."""
    where, why = masked(url), f"{error}".strip().rstrip(".") + "."
    if isinstance(error, BusyLoadingError):
        return Busy(_("Redis at {url} is still loading its data.").format(url=where), why=why)
    if isinstance(error, AuthenticationError | AuthorizationError | NoPermissionError):
        return AccessRefused(_("Redis refuses the login at {url}.").format(url=where), why=why, hint=_HINT)
    if isinstance(error, ReadOnlyError):
        return AccessRefused(_("Redis at {url} is a read-only replica.").format(url=where), why=why, hint=_HINT)
    if isinstance(error, OutOfMemoryError):
        return Unavailable(_("Redis at {url} has no memory left.").format(url=where), why=why)
    if isinstance(error, redis.ConnectionError | redis.TimeoutError):
        return Unavailable(_("Redis does not answer at {url}.").format(url=where), why=why, hint=_HINT)
    return None


def _client(url: str, connect_timeout: float, timeout: float) -> redis.Redis:
    scheme, _separator, rest = url.partition("://")
    if scheme not in {"redis", "rediss", "unix"}:
        raise _not_an_address(_("It must begin with redis://, rediss:// or unix://."))
    if scheme != "unix" and set("/?#") & set(rest.rpartition("@")[0]):  # part of it would be said to be no port
        raise _not_an_address(_("In a password / is written %2F, ? %3F and # %23."))
    try:
        client: redis.Redis = redis.Redis.from_url(
            url,
            socket_connect_timeout=connect_timeout,
            socket_timeout=timeout,
            retry=Retry(NoBackoff(), 0),  # redis-py would try four times, ten seconds in all
            driver_info=None,  # saves a round trip for each connection
            protocol=2,
            decode_responses=True,
        )
        pool = client.connection_pool
        pool.connection_class(**pool.connection_kwargs)  # an unknown option is known now, not with the first command
    except (ValueError, TypeError) as error:
        raise _not_an_address(f"{error}.") from error
    return client


def _not_an_address(why: str) -> Misconfigured:
    return Misconfigured(_("REDIS_URL is not a Redis address."), why=why, hint="REDIS_URL=redis://localhost:6379/0")
