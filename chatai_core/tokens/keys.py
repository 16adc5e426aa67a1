"""The keys of the pool: what they may be used for, how much of it is used, and how they are changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict, Unpack
from urllib.parse import urlsplit

from chatai_core.adapters.crypto import Cipher
from chatai_core.adapters.postgres import Database, question
from chatai_core.errors import BadData, Duplicate, Misused, NotFound
from chatai_core.i18n import _
from chatai_core.units import Detail, Seconds

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from chatai_core.adapters.orm import Orm
    from chatai_core.models import AiToken

LARGEST = 2_147_483_647  # of an integer column
SHORTEST_TOKEN = 12  # below this not even its last four characters may be shown

State = Literal["ready", "cooling", "exhausted", "quarantined", "disabled"]


@dataclass(frozen=True, slots=True)
class Key:
    """One key; its token is masked. Usage counts requests of this day and month in UTC; a limit of 0 is none.

    ``ready_at`` says when a cooling or exhausted key can serve again, ``reason`` why a key is in quarantine,
    ``sealed_with`` which encryption key its token needs.
    """

    id: int
    name: str
    token: str
    models: list[str]
    priority: int
    daily_usage: int
    daily_limit: int
    monthly_usage: int
    monthly_limit: int
    is_active: Annotated[bool, Detail]
    state: State
    error_count: int
    last_used: datetime | None
    last_error: Annotated[datetime | None, Detail]
    ready_at: Annotated[datetime | None, Detail]
    reason: Annotated[str | None, Detail]
    base_url: Annotated[str | None, Detail]
    notes: Annotated[str | None, Detail]
    sealed_with: Annotated[str, Detail]


@dataclass(frozen=True, slots=True)
class Day:
    """One day's requests; ``success_rate`` is in percent."""

    date: date
    requests: int
    tokens: int
    avg_response_time: Seconds
    successful_requests: int
    failed_requests: int
    success_rate: float


@dataclass(frozen=True, slots=True)
class KeyStats:
    """One active key: today's usage, and its requests since it was added."""

    name: str
    daily_usage: int
    daily_limit: int
    error_count: int
    last_used: datetime | None
    total_requests: int
    avg_response_time: Seconds | None


class Properties(TypedDict, total=False):
    """What may be said of a key; what is not said keeps its value, or takes the database's default.

    ``models`` are exact names or patterns (``gpt-4o*``). Limits count requests, 0 is no limit. Priority 1 is
    picked first. An empty ``base_url`` means OPENAI_BASE_URL.
    """

    models: Sequence[str]
    priority: int
    daily_limit: int
    monthly_limit: int
    base_url: str | None
    notes: str | None


class Changes(Properties, total=False):
    """What may be changed of a key."""

    name: str
    is_active: bool


def all(database: Database) -> list[Key]:
    """Every key, in the order in which the pool prefers them."""
    return database.rows(Key, question(__file__), id=None)


def show(database: Database, id: int) -> Key:
    """One key. Raises NotFound."""
    return _found(database.one(Key, question(__file__), id=id), id)


def usage(database: Database, id: int | None = None) -> list[Day]:
    """The last 30 days of one key, or of all with OPENAI_API_KEY's; days without requests are left out.

    Raises NotFound.
    """
    if id is not None:
        show(database, id)
    return database.rows(Day, question(__file__, "usage"), id=id)


def stats(database: Database) -> list[KeyStats]:
    """The active keys, the most used first."""
    return database.rows(KeyStats, question(__file__, "stats"))


def add(orm: "Orm", cipher: Cipher, name: str, token: str, **properties: Unpack[Properties]) -> Key:
    """Take a key into the pool, its token sealed. Raises BadData, Duplicate, Misused."""
    columns = checked({"name": name, **properties})
    _must_be_a_token(token)
    with orm.session() as session:
        id = _inserted(session, cipher, token, columns)
        return _read(session, id) if id else _refuse_duplicate(session, cipher.fingerprint(token))


def update(orm: "Orm", id: int, **changes: Unpack[Changes]) -> Key:
    """Change a key. Making it active also ends its rest and its quarantine. Raises NotFound, Misused."""
    columns = checked(changes)
    if columns.get("is_active"):
        columns |= {"cooling_until": None, "quarantined_at": None, "quarantine_reason": None, "error_count": 0}
    with orm.session() as session:
        row = _row(session, id)
        for column, value in columns.items():
            setattr(row, column, value)
        session.flush()
        return _read(session, id)


def remove(orm: "Orm", id: int) -> Key:
    """Take a key out of the pool and answer what it was; its usage stays in the ledger. Raises NotFound."""
    with orm.session() as session:
        key = _read(session, id)
        session.delete(_row(session, id))
        return key


def checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that these changes stand in, each value checked. Raises Misused."""
    columns: dict[str, Any] = dict(changes)
    if not columns:
        raise Misused(_("Nothing was said to be changed."), hint="chatai tokens update --help")
    for name, lowest in (("priority", 1), ("daily_limit", 0), ("monthly_limit", 0)):
        if name in columns:
            _must_be_within(name, columns[name], lowest)
    if "models" in columns:
        columns["model_access"] = _model_access(columns.pop("models"))
    if "base_url" in columns:
        columns["base_url"] = _base_url(columns["base_url"] or "")
    if "name" in columns:
        columns["name"] = _name(columns["name"])
    if columns.get("notes"):  # JSON may carry what PostgreSQL cannot keep
        columns["notes"] = columns["notes"].replace("\0", "").encode("utf-8", "replace").decode()
    return columns


def _found(key: Key | None, id: int) -> Key:
    if key is None:
        raise NotFound(_("There is no key {id} in the pool.").format(id=id), hint="chatai tokens list")
    return key


def _read(session: "Session", id: int) -> Key:
    rows = session.connection().exec_driver_sql(question(__file__), {"id": id}).mappings()
    return _found(next((Key(**row) for row in rows), None), id)


def _row(session: "Session", id: int) -> "AiToken":
    from chatai_core.models import AiToken  # SQLAlchemy takes 130 ms that a listing does not pay

    row = session.get(AiToken, id, with_for_update=True)
    if row is None:
        raise NotFound(_("There is no key {id} in the pool.").format(id=id), hint="chatai tokens list")
    return row


def _inserted(session: "Session", cipher: Cipher, token: str, columns: dict[str, Any]) -> int | None:
    """The new row's number, drawn first because the token is sealed for it; None when the token is here already."""
    from sqlalchemy import text
    from sqlalchemy.dialects.postgresql import insert

    from chatai_core.models import AiToken

    id = session.scalar(text("SELECT nextval(pg_get_serial_sequence('ai_token_pool', 'id'))"))
    kept = cipher.keep(token, row=f"ai_token_pool:{id}")
    row = insert(AiToken).values(
        id=id, token=kept.sealed, token_fingerprint=kept.fingerprint, token_hint=kept.hint, **columns
    )
    return session.scalar(row.on_conflict_do_nothing(index_elements=["token_fingerprint"]).returning(AiToken.id))


def _refuse_duplicate(session: "Session", fingerprint: str) -> Key:
    from sqlalchemy import select

    from chatai_core.models import AiToken

    id, name = session.execute(select(AiToken.id, AiToken.name).where(AiToken.token_fingerprint == fingerprint)).one()
    raise Duplicate(_("This key is in the pool already, as {name}.").format(name=name), hint=f"chatai tokens show {id}")


def _must_be_a_token(token: str) -> None:
    if len(token) < SHORTEST_TOKEN:
        raise BadData(
            _("This is too short for a key."),
            why=_("A key has at least {number} characters.").format(number=SHORTEST_TOKEN),
        )
    if not _is_one_word(token):
        raise BadData(_("This is no key."), why=_("A key is one word of letters, digits and signs, without blanks."))


def _is_one_word(text: str) -> bool:
    """Whether a text can be sent in a header: ASCII without blanks and control characters."""
    return text.isascii() and text.isprintable() and " " not in text


def _must_be_within(name: str, number: int, lowest: int) -> None:
    if not lowest <= number <= LARGEST:
        raise Misused(
            _("{name} cannot be {number}.").format(name=name, number=number),
            why=_("It is a number from {lowest} to {highest}.").format(lowest=lowest, highest=LARGEST),
            hint="chatai tokens add --help",
        )


def _model_access(models: Sequence[str]) -> str:
    names = [model.strip() for model in models if model.strip()]
    if not names or any("," in name or not _is_one_word(name) for name in names):
        raise Misused(
            _("A key needs at least one model."),
            why=_("Models are names or patterns separated by commas, such as gpt-4o,gpt-4o-mini or gpt-4o*."),
            hint="chatai tokens add --help",
        )
    return ",".join(dict.fromkeys(names))


def _base_url(url: str) -> str | None:
    if url and not _is_address(url):
        raise Misused(
            _("The base URL is no address of a server."),
            why=_("It begins with http:// or https://, such as https://api.openai.com/v1."),
        )
    return url.rstrip("/") or None


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        named = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that are no IPv6 address, a port that is no number
        return False
    return named and parts.username is None and _is_one_word(url)  # a password in it would be shown


def _name(name: str) -> str:
    if not name.strip() or not name.isprintable():
        raise Misused(_("A key needs a name."), why=_("A name is one line that is not empty."))
    return name.strip()
