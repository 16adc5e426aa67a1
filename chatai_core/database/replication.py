"""Replication: who receives, how far behind, what slots keep, and whether WAL is archived."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from chatai_core.adapters.postgres import Database, question
from chatai_core.database import visibility
from chatai_core.units import Bytes, Detail, Seconds


@dataclass(frozen=True, slots=True)
class Standby:
    """Who receives the WAL of this server. A lag is from what this server has written; None is not known."""

    pid: int
    name: str | None
    address: str | None
    role: str | None
    state: str | None
    sync_state: str | None
    replay_lag_seconds: Seconds | None
    replay_lag_bytes: Bytes | None
    flush_lag_seconds: Annotated[Seconds | None, Detail]
    flush_lag_bytes: Annotated[Bytes | None, Detail]
    write_lag_seconds: Annotated[Seconds | None, Detail]
    write_lag_bytes: Annotated[Bytes | None, Detail]
    unsent_bytes: Annotated[Bytes | None, Detail]
    connected_at: Annotated[datetime | None, Detail]
    replied_at: Annotated[datetime | None, Detail]


@dataclass(frozen=True, slots=True)
class Slot:
    """What a slot keeps for its receiver. ``safe_bytes`` can still be written before it is lost.

    ``inactive_since`` is known since PostgreSQL 17; the ages are in transactions.
    """

    name: str
    type: Literal["physical", "logical"]
    database: str | None
    active: bool
    retained_bytes: Bytes | None
    wal_status: str | None
    inactive_since: datetime | None
    invalidation_reason: str | None
    plugin: Annotated[str | None, Detail]
    pid: Annotated[int | None, Detail]
    temporary: Annotated[bool, Detail]
    xmin_age: Annotated[int | None, Detail]
    catalog_xmin_age: Annotated[int | None, Detail]
    unconfirmed_bytes: Annotated[Bytes | None, Detail]
    safe_bytes: Annotated[Bytes | None, Detail]


@dataclass(frozen=True, slots=True)
class Receiver:
    """This standby's side. ``replay_lag_seconds`` is None while it is not connected and has replayed all it has.

    ``replayed_until`` is the last transaction that it shows.
    """

    connected: bool
    status: str | None
    sender_host: str | None
    sender_port: int | None
    slot: str | None
    replay_lag_seconds: Seconds | None
    unreplayed_bytes: Bytes | None
    replayed_until: datetime | None
    paused: bool
    heard_at: datetime | None


@dataclass(frozen=True, slots=True)
class Archiver:
    """How archiving goes: it fails when the last attempt did."""

    failing: bool | None
    archived_count: int
    failed_count: int
    last_archived_wal: str | None
    last_archived_at: datetime | None
    last_archived_seconds: Seconds | None
    last_failed_wal: str | None
    last_failed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Replication:
    """This server among its kind. No ``receiver`` on a primary, no ``archiver`` where nothing is to be archived.

    ``hidden`` says what the role cannot see.
    """

    role: Literal["primary", "standby"]
    synchronous_standby_names: str
    standbys: list[Standby]
    slots: list[Slot]
    receiver: Receiver | None
    archiver: Archiver | None
    hidden: str | None


def status(database: Database) -> Replication:
    """How this server replicates."""
    with database.together():
        server = database.rows(dict[str, Any], question(__file__))
        standbys = database.rows(Standby, question(__file__, "replication_standbys"))
        slots = database.rows(Slot, question(__file__, "replication_slots"))
        receiver = database.one(Receiver, question(__file__, "replication_receiver"))
        archiver = database.one(Archiver, question(__file__, "replication_archiver"))
    hidden = visibility.look(database).sessions_hidden if standbys or receiver else None
    return Replication(**server[0], standbys=standbys, slots=slots, receiver=receiver, archiver=archiver, hidden=hidden)
