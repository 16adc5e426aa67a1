"""Text that cannot pass for something else: a message is one line, a word has no blanks, nothing moves a cursor."""

import functools
import re
from urllib.parse import quote

# C0 but the tab, DEL, C1, the two line separators, what turns the direction of writing, halves of a character.
_UNSAFE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_UNSAFE_IN_JSON = re.compile(r"[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_HALVES = re.compile(r"[\ud800-\udfff]")
# ASCII without blanks, quotes, the bar between audit's fields and the sign between a field's name and its value.
_WORD = re.compile(r"[!#-<>-{}~]+")
_WORD_MARKS = "!#$%&'()*+,-./:;<>?@[\\]^_`{}~"
_LOOKS_LIKE_A_START = frozenset("0123456789{")


def neutralise(text: str) -> str:
    r"""The text on one line; what is not to be seen becomes ``\n``, ``\x1b``, ``\u2028``; tabs stay.

    >>> print(neutralise("a\nb \x1b[2J"))
    a\nb \x1b[2J
    """
    return text if text.isprintable() else _UNSAFE.sub(_escaped, text)


def neutralise_lines(text: str) -> str:
    """The text of a traceback: its lines stay lines, but none of them can be read as the start of a record."""
    return "\n".join(_continuing(neutralise(line)) for line in text.split("\n"))


def neutralise_json(document: str) -> str:
    """A JSON document whose strings hold no raw control character; it still says the same."""
    return document if document.isprintable() else _UNSAFE_IN_JSON.sub(_escaped_in_json, document)


def whole(text: str) -> str:
    """The text without halves of characters, which no encoding can write."""
    return text if text.isascii() else _HALVES.sub(_escaped, text)


def word(text: str) -> str:
    """The text as one word of ASCII: blanks and whatever is unusual are percent-encoded; never empty.

    >>> word("/api/dialogs"), word("/a b|c\\n"), word("")
    ('/api/dialogs', '/a%20b%7Cc%0A', '-')
    """
    if _WORD.fullmatch(text):
        return text
    return quote(text, safe=_WORD_MARKS, errors="backslashreplace") or "-"


@functools.lru_cache(maxsize=1024)
def name(text: str) -> str:
    """A logger's or level's name as one word: blanks become underscores.

    >>> name("chatai_core.bots"), name("my logger")
    ('chatai_core.bots', 'my_logger')
    """
    return neutralise("_".join(text.split())) or "-"


def _continuing(line: str) -> str:
    return f"  {line}" if line[:1] in _LOOKS_LIKE_A_START else line


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code in (10, 13):
        return "\\n" if code == 10 else "\\r"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _escaped_in_json(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
