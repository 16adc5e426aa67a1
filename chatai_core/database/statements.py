"""The text of a statement as it may be shown: without secrets, and its beginning in one line."""

import re

from chatai_core.i18n import _
from chatai_core.journal.redaction import redact

_BEGINNING = 60  # characters of a statement that a table shows
_COMMENT = re.compile(r"--[^\n]*(?:\n|$)|/\*.*?\*/", re.DOTALL)
_DOLLAR = r"\$(?:[A-Za-z_\u0080-\U0010ffff][\w\u0080-\U0010ffff]*)?\$"
# https://www.postgresql.org/docs/current/sql-syntax-lexical.html. What reads one way or the other, or has no end
# (a text is cut off at track_activity_query_size), counts as a constant up to the end of the text: comments in
# comments, and \' which ends a string or does not, as standard_conforming_strings says.
_TOKEN = re.compile(
    rf"""
    (?P<comment> --[^\n\r]* | /\*(?:(?!/\*|\*/).)*+\*/ )
    | (?P<name> "(?:[^"]|"")*+" )
    | (?:\b(?:[eEbBxXnN]|[uU]&))? '(?:[^'\\]|''|\\[^'])*+'
    | (?P<dollar> {_DOLLAR} ) .*? (?P=dollar)
    | (?: ['"] | /\* | {_DOLLAR} ) .*
    """,
    re.DOTALL | re.VERBOSE,
)
_SECRETIVE = re.compile(r"(?i)passw|passphrase|pwd|secret|token|key|credential|auth|crypt|hmac|dblink|conninfo")
# Of all others (SET, COPY, DO, CREATE SERVER, …) nobody can tell what their constants are.
_ORDINARY = re.compile(r"(?i)[\s(]*(?:SELECT|WITH|VALUES|TABLE|INSERT|UPDATE|DELETE|MERGE)\b")
_NAME_AS_PASSWORD = re.compile(r"""(?i)(\bpassword\s*)"(?:[^"]|"")*+\"""")  # a mistake that is refused, but seen


def shown(query: str | None) -> str | None:
    """The whole text without secrets; None when it is hidden from us.

    Constants stay in queries that mention nothing secret, and in no other statement.

    >>> shown("SELECT 'a'"), shown("ALTER ROLE a PASSWORD $$b$$")
    ("SELECT 'a'", "ALTER ROLE a PASSWORD '…'")
    """
    if query is None:
        return None
    is_one = ";" not in query.rstrip("; \n")
    is_ordinary = is_one and _ORDINARY.match(_TOKEN.sub(_only_names, query)) and not _SECRETIVE.search(query)
    return redact(query) if is_ordinary else without_constants(query)


def without_constants(query: str) -> str:
    """The text with … for each of its constants; comments stay where nothing secret is mentioned."""
    if _SECRETIVE.search(query):
        return redact(_NAME_AS_PASSWORD.sub(r'\1"…"', _TOKEN.sub(_only_names, query)))
    return redact(_TOKEN.sub(_names_and_comments, query))


def _only_names(match: re.Match[str]) -> str:
    return match["name"] or (" " if match["comment"] else "'…'")


def _names_and_comments(match: re.Match[str]) -> str:
    return match["name"] or match["comment"] or "'…'"


def begins(query: str | None) -> str:
    """The first words of a statement in one line, without comments.

    >>> begins("/* web */ SELECT 1,\\n       2  -- two")
    'SELECT 1, 2'
    """
    if query is None:
        return _("(hidden)")
    words = " ".join(_COMMENT.sub(" ", query).split())
    return words if len(words) <= _BEGINNING else f"{words[: _BEGINNING - 1]}…"
