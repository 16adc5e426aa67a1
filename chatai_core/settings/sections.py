"""What settings are made of: sections of named values, some of them secret."""

from typing import Any

import msgspec


class Secret:
    """A value that must not be shown: its text is ``********`` everywhere but in ``reveal()``."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself, for the one place that needs it."""
        return self._value

    def __str__(self) -> str:
        return "********"

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


def named(name: str, description: str, **limits: Any) -> msgspec.Meta:
    """A setting's name in the environment, its sentence, and msgspec's limits (ge, le, pattern, …)."""
    return msgspec.Meta(description=description, extra={"name": name}, **limits)


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """Settings that belong together."""
