"""Texts as clients may send them: PostgreSQL stores no NUL, and a name is one line."""

from typing import Annotated

from pydantic import AfterValidator, StringConstraints

LONGEST = 100_000


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain NUL")
    return text


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be one line without control characters")
    return text


Text = Annotated[str, StringConstraints(max_length=LONGEST), AfterValidator(_without_nul)]
Line = Annotated[
    str,
    StringConstraints(min_length=1, max_length=255, strip_whitespace=True),
    AfterValidator(_printable),
]
