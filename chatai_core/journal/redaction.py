"""Secrets taken out of text: keys, bot tokens, passwords in URLs, session tokens, ``password=`` and its kin.

What is left of a secret is ``…`` and, when it was long, its last four characters. Text that was redacted once stays
as it is when redacted again.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

MASK = "…"
_LONG = 16  # a secret so long keeps twelve unknown characters


class _Rule(NamedTuple):
    """A kind of secret: it can only be there if one of these pieces is in the lower-cased text."""

    pieces: tuple[str, ...]
    pattern: re.Pattern[str]
    replacement: Callable[[re.Match[str]], str]


def redact(text: str) -> str:
    """The text without secrets."""
    lowered = text.lower()
    for rule in _RULES:
        for piece in rule.pieces:
            if piece in lowered:
                text = rule.pattern.sub(rule.replacement, text)
                break
    return text


def mask(secret: str) -> str:
    """What may be shown of a secret."""
    if secret.startswith(MASK) and len(secret) <= len(MASK) + 4:
        return secret
    return MASK + (secret[-4:] if len(secret) >= _LONG else "")


def is_secret(key: str) -> bool:
    """Whether a field of this name holds a secret."""
    return _SECRET_KEY.search(key) is not None


# Where a word begins: also after an underscore, a repr's \n and a colour.
_EDGE = r"(?:\b|(?<=_)|(?<=\\[nrt])|\x1b\[[\d;]*[A-Za-z])"
_ALWAYS = (
    rf"passw(?:or)?d|passphrase|{_EDGE}pwd|secret(?:[_-]?key)?|api[_-]?key|x-chatai-key"
    r"|(?:encryption|internal|private)[_-]?key"
)
_IF_LONG = rf"{_EDGE}token"  # max_tokens=400 is none
_SECRET_KEY = re.compile(rf"(?i)(?:{_ALWAYS}|{_IF_LONG}|authorization)$")
# Blanks around "=" are Python's: a line of source in a traceback names the variable, not the secret.
_QUOTED = r"""["']?\s*[=:]\s*(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')"""
_BARE = r"""["']?(?:=|:[ \t]*)[^\s"'&]"""
_ASSIGNED = re.compile(r"""(["']?\s*[=:]\s*)(["']?)(.*)\2""", re.DOTALL)


def _mask_all(match: re.Match[str]) -> str:
    return match[1] + mask(match[2])


def _mask_password(match: re.Match[str]) -> str:
    return f"{match[1]}{MASK}@"


def _mask_value(match: re.Match[str]) -> str:
    assigned = _ASSIGNED.fullmatch(match[2])
    assert assigned is not None
    separator, quote, value = assigned.groups()
    return f"{match[1]}{separator}{quote}{MASK if value else ''}{quote}"


_RULES = (
    _Rule(("://",), re.compile(r"""(://[^\s/:@"']*:)[^\s/?#"']+@"""), _mask_password),
    _Rule(("basic ",), re.compile(rf"(?i)({_EDGE}basic\s+)([a-z\d+/]{{16,}}={{0,2}})"), lambda match: match[1] + MASK),
    _Rule(
        ("authorization",),
        re.compile(
            r"""(?i)(authorization["']?\s*[:=,]\s*(?:b(?=["']))?["']?(?:(?:bearer|basic|token|digest)\s+)?)"""
            r"""([^\s"',]+)"""
        ),
        _mask_all,
    ),
    _Rule(("eyj",), re.compile(rf"({_EDGE}eyJ)([\w-]{{10,}}(?:\.[\w-]+){{1,2}})"), _mask_all),
    _Rule(
        ("bearer",),
        re.compile(rf"(?i)({_EDGE}bearer\s+)(?=\S*\d|\S{{16}})([\w.~+/=-]{{8,}})"),
        _mask_all,
    ),
    _Rule(("sk-",), re.compile(rf"({_EDGE}sk-)([\w-]{{12,}})"), _mask_all),
    _Rule((":", "%3a"), re.compile(r"()((?<!\d)\d{5,}(?::|%3[Aa])[\w-]{30,})"), _mask_all),
    _Rule(
        ("passw", "passphrase", "pwd", "secret", "key"),
        re.compile(rf"(?i)({_ALWAYS})({_QUOTED}|{_BARE}+)"),
        _mask_value,
    ),
    _Rule(("token",), re.compile(rf"(?i)({_IF_LONG})({_QUOTED}|{_BARE}{{8,}})"), _mask_value),
)
