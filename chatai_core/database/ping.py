"""Whether the database can be reached: how fast, as whom, over what, and with room for the pool."""

import statistics
import time
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Literal

from chatai_core.adapters.postgres import Database, question, signed
from chatai_core.database import connections
from chatai_core.i18n import _
from chatai_core.units import Milliseconds, Seconds, show_seconds

_TIMES = 5
_MUCH: Seconds = 2.0  # of a clock that is wrong: tokens and limits live by seconds


@dataclass(frozen=True, slots=True)
class Ping:
    """The answer. ``clock_skew_seconds``: how far the server's clock is ahead of ours.

    ``pool``: connections that one process of ours may open, ``usable``: all that this role can have;
    ``used``: by everybody.
    """

    latency_ms: Milliseconds
    connect_ms: Milliseconds
    version: str
    database: str
    role: str
    is_superuser: bool
    privileges: list[str]
    server: Literal["primary", "standby"]
    encryption: Literal["tls", "none", "socket"]
    tls_version: str | None
    tls_cipher: str | None
    address: str | None
    port: int | None
    clock_skew_seconds: Seconds
    encoding: str
    pool: int
    used: int
    usable: int
    vector: str | None
    vector_available: str | None

    @property
    def reading(self) -> str | None:
        """What of it will make trouble."""
        return " ".join(_troubles(self)) or None


def ping(database: Database, *, pool: int) -> Ping:
    """Connect anew and ask a few times; the median counts."""
    database.close()
    began, before = time.monotonic(), database.cost.seconds
    facts = database.rows(dict[str, Any], question(__file__))[0]
    connected = time.monotonic() - began - (database.cost.seconds - before)
    sessions = connections.count(database)
    latencies, skews = zip(*_round_trips(database), strict=True)
    return Ping(
        latency_ms=statistics.median(latencies) * 1000,
        connect_ms=connected * 1000,
        clock_skew_seconds=skews[latencies.index(min(latencies))],
        pool=pool,
        used=sessions.used,
        usable=_at_most(sessions),
        **facts,
    )


def _at_most(sessions: connections.Connections) -> int:
    """How many connections this role can have, were there nobody else."""
    limits = (sessions.max - sessions.reserved, sessions.role_limit, sessions.database_limit)
    return min(limit for limit in limits if limit is not None)


def _round_trips(database: Database) -> list[tuple[Seconds, Seconds]]:
    """How long each took, and the server's clock against ours at its middle."""
    with database.connection() as connection, connection.cursor() as cursor:
        cursor.execute(signed("SELECT 1"))  # begins the transaction, which is a round trip by itself
        return [_round_trip(cursor) for _time in range(_TIMES)]


def _round_trip(cursor: Any) -> tuple[Seconds, Seconds]:
    began, sent = time.monotonic(), time.time()
    cursor.execute(signed("SELECT extract(epoch FROM clock_timestamp())::float8"))
    took = time.monotonic() - began
    return took, cursor.fetchone()[0] - (sent + took / 2)


def _troubles(found: Ping) -> list[str]:
    said = []
    if found.pool > found.usable:
        said.append(
            _(
                "The pool of one process may open {pool} connections, and the role can have {usable}: lower {settings}."
            ).format(pool=found.pool, usable=found.usable, settings="DB_POOL_SIZE, DB_MAX_OVERFLOW")
        )
    if abs(found.clock_skew_seconds) >= _MUCH:
        apart = show_seconds(abs(found.clock_skew_seconds))
        said.append(_("The server's clock and this machine's are {time} apart.").format(time=apart))
    if found.encryption == "none" and not ip_address(found.address or "::1").is_loopback:
        said.append(_("The connection is not encrypted: add sslmode=verify-full to DATABASE_URL."))
    return said
