"""Questions that measure relations or read their definitions, which nobody's lock may hold up."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from chatai_core.adapters.postgres import Database, question
from chatai_core.errors import Busy
from chatai_core.i18n import plural

Row = TypeVar("Row")

_NAMED = 5  # so many names are told
_LOCK_NOT_AVAILABLE = "55P03"
_ALL = "SELECT array_agg(oid::bigint) FROM pg_class"


def rows(database: Database, row: Callable[..., Row], sql: str, /, **parameters: Any) -> list[Row]:
    """Answer a question whose SQL leaves the relations in ``%(locked)s`` (a list of oids) untouched.

    Who takes a lock between is left out when it is asked again; at last all are.
    """
    for locked in (question(__file__), question(__file__), question(__file__), _ALL):
        try:
            return database.rows(row, sql, **parameters, locked=database.value(locked))
        except Busy as error:
            if locked is _ALL or getattr(error.__cause__, "pgcode", None) != _LOCK_NOT_AVAILABLE:
                raise
    raise AssertionError("The last one has answered or raised.")


def told(names: Sequence[str]) -> str | None:
    """The sentence about relations that were left untouched; None when there was none."""
    if not names:
        return None
    shown = ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
    return plural(
        "Locked by another session, so that it could not be measured: {names}.",
        "Locked by other sessions, so that they could not be measured: {names}.",
        len(names),
    ).format(names=shown)
