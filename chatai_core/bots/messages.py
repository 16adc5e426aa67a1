"""Long replies, cut into messages that Telegram takes."""

import re

LIMIT = 4096  # of UTF-16 units, which is how Telegram counts

_BORDERS = (r"\n\s*\n", r"\n", r"(?<=[.!?…])[\"»”’)]*\s", r"\s")  # the best place to cut first


def split(text: str, limit: int = LIMIT) -> list[str]:
    """The text in pieces of at most ``limit``, cut between paragraphs, lines, sentences, words; else anywhere.

    >>> split("One. Two! Three?", 10), split("  "), split("abcdef", 4)
    (['One. Two!', 'Three?'], [], ['abcd', 'ef'])
    """
    pieces = []
    rest = text.strip()
    while rest:
        fits = _prefix(rest, limit)
        cut = len(fits) if fits == rest else _border(rest, len(fits))
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return pieces


def _prefix(text: str, limit: int) -> str:
    """As many characters as fit into the limit of UTF-16 units; at least one."""
    units = text[:limit].encode("utf-16-le", "replace")[: limit * 2]
    return units.decode("utf-16-le", "ignore") or text[0]


def _border(text: str, limit: int) -> int:
    """Where to cut: the last border of the best kind that does not waste more than half of the message."""
    for border in _BORDERS:
        ends = [found.end() for found in re.finditer(border, text[: limit + 1])]
        if ends and ends[-1] > limit // 2:
            return min(ends[-1], limit + 1)
    return limit
