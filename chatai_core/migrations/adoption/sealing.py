"""Encrypting the tokens of a former ChatAI, and forgetting their plaintext."""

# ruff: noqa: S608 - the names in these statements are ChatAI's own

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatai_core.adapters.crypto import masked
from chatai_core.i18n import _
from chatai_core.migrations.adoption import former

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from chatai_core.adapters.crypto import Cipher, Kept

# What Telegram's id of a bot is: the digits before the colon of its token.
TELEGRAM_IDS = (
    "UPDATE bot_instances SET telegram_bot_id = split_part(bot_token, ':', 1)::bigint\n"
    "    WHERE bot_token ~ '^[0-9]{3,18}:'"
)
# Before NULL is filled up: a row that was never used does not win over one that is.
_ORDER = "ORDER BY is_active DESC NULLS LAST, id"


@dataclass(frozen=True, slots=True)
class Secret:
    """A row's token in plaintext, without blanks around it; empty when it has none; NULL is not ``is_given``."""

    id: int
    token: str
    is_given: bool


def counting(table: str, column: str) -> tuple[str, str]:
    """How many rows have a token, and how many of these have the token of another row."""
    given = f"nullif(trim({column}), '')"
    return (
        f"SELECT count({given}) FROM {table}",
        f"SELECT count({given}) - count(DISTINCT {given}) FROM {table}",
    )


def seal_keys(connection: "Connection", cipher: "Cipher") -> int:
    """Encrypt the pool's keys. One that is there twice, or empty, stays as a row that is disabled; how many."""
    kept, useless = _sorted(connection, "ai_token_pool", "token")
    sealed = [(one.id, cipher.keep(one.token, row=f"ai_token_pool:{one.id}")) for one in kept]
    for one, first in useless:
        # Its token must be unique too, so it is one that nobody can have; what may be shown is the old one's.
        stand_in = cipher.keep(f"the row {one.id} stands for no key", row=f"ai_token_pool:{one.id}")
        sealed.append((one.id, type(stand_in)(stand_in.sealed, stand_in.fingerprint, masked(one.token))))
        _disable_key(connection, one.id, first)
    _write(connection, "ai_token_pool", "token", "token_fingerprint", "token_hint", sealed)
    return len(kept)


def seal_bots(connection: "Connection", cipher: "Cipher") -> int:
    """Encrypt the bots' tokens. A bot with another's token is stopped and has none any more; how many are encrypted."""
    kept, useless = _sorted(connection, "bot_instances", "bot_token")
    sealed = [(one.id, cipher.keep(one.token, row=f"bot_instances:{one.id}")) for one in kept]
    _write(connection, "bot_instances", "bot_token", "bot_token_fingerprint", "bot_token_hint", sealed)
    for one, first in useless:
        if first is not None:
            _note(connection, "bot_instances", one.id, "is_active", _same_token(first))
            _told(connection, "UPDATE bot_instances SET is_active = false WHERE id = %(id)s", id=one.id)
        elif one.is_given:
            _note(connection, "bot_instances", one.id, "bot_token", _("An empty token: none."))
        _told(connection, "UPDATE bot_instances SET bot_token = NULL WHERE id = %(id)s", id=one.id)
    return len(kept)


def _sorted(connection: "Connection", table: str, column: str) -> tuple[list[Secret], list[tuple[Secret, int | None]]]:
    """The rows with a token of their own; the others, each with the row that has the same (None: they have none)."""
    rows = connection.exec_driver_sql(f"SELECT id, {column} FROM {table} {_ORDER}")
    first: dict[str, int] = {}
    kept, useless = [], []
    for one in (Secret(id, (token or "").strip(), token is not None) for id, token in rows):
        if one.token and one.token not in first:
            first[one.token] = one.id
            kept.append(one)
        else:
            useless.append((one, first.get(one.token)))
    return kept, useless


def _disable_key(connection: "Connection", id: int, first: int | None) -> None:
    reason = _("It has no key.") if first is None else _same_token(first)
    _note(connection, "ai_token_pool", id, "is_active", reason)
    _told(
        connection,
        "UPDATE ai_token_pool SET is_active = false, quarantined_at = now(), quarantine_reason = %(reason)s"
        " WHERE id = %(id)s",
        id=id,
        reason=reason,
    )


def _same_token(first: int) -> str:
    return _("It has the same token as {id}, which keeps it.").format(id=first)


def _note(connection: "Connection", table: str, id: int, column: str, rule: str) -> None:
    """Write down what a column holds that is changed now; of the tokens only an empty one is noted."""
    _told(
        connection,
        f"INSERT INTO {former.NOTES} (table_name, row_id, column_name, old_value, rule)"
        f" SELECT '{table}', id, '{column}', {column}::text, %(rule)s FROM {table} WHERE id = %(id)s",
        id=id,
        rule=rule,
    )


def _write(
    connection: "Connection", table: str, token: str, fingerprint: str, hint: str, sealed: "list[tuple[int, Kept]]"
) -> None:
    """Put all of them into their rows with one statement."""
    _told(
        connection,
        f"UPDATE {table} SET {token} = new.token, {fingerprint} = new.fingerprint, {hint} = new.hint"
        " FROM unnest(%(ids)s::int[], %(tokens)s::text[], %(fingerprints)s::text[], %(hints)s::text[])"
        f" AS new (id, token, fingerprint, hint) WHERE {table}.id = new.id",
        ids=[id for id, _kept in sealed],
        tokens=[kept.sealed for _id, kept in sealed],
        fingerprints=[kept.fingerprint for _id, kept in sealed],
        hints=[kept.hint for _id, kept in sealed],
    )


def _told(connection: "Connection", sql: str, **parameters: object) -> None:
    connection.exec_driver_sql(sql, parameters)
