"""The text of a statement as it may be shown: without secrets, and its beginning in one line."""

import re

from chatai_core.i18n import _
from chatai_core.journal.redaction import redact

_BEGINNING = 60  # characters of a statement that a table shows
_COMMENT = re.compile(r"--[^\n]*(?:\n|$)|/\*.*?\*/", re.DOTALL)
# ALTER ROLE … PASSWORD '…', also while somebody runs it
_PASSWORD = re.compile(r"(?i)(\bpassword\s+)(?:\be)?'(?:[^']|'')*(?:'|$)")


def shown(query: str | None) -> str | None:
    """The whole text without passwords and keys; None when it is hidden from us."""
    return None if query is None else _PASSWORD.sub(r"\1'…'", redact(query))


def begins(query: str | None) -> str:
    """The first words of a statement in one line, without comments.

    >>> begins("/* web */ SELECT 1,\\n       2  -- two")
    'SELECT 1, 2'
    """
    if query is None:
        return _("(hidden)")
    words = " ".join(_COMMENT.sub(" ", query).split())
    return words if len(words) <= _BEGINNING else f"{words[: _BEGINNING - 1]}…"
