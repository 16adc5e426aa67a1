"""What stands on the command line becomes a value of the option's type.

Typer does this with pydantic, whose import takes longer than all the rest of a short command. Names, numbers, choices
and paths need none of it; here a wrong choice is also answered with the nearest right one.
"""

import difflib
import math
import types
import typing
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, Literal

from chatai_core.errors import ChataiError, Misused
from chatai_core.i18n import _


class Plain:
    """Stands in for typer's converter of one parameter."""

    def __init__(self, kind: Any, info: Any) -> None:
        """``kind`` is the annotation, ``info`` what typer.Option or typer.Argument was given."""
        self._is_many = typing.get_origin(kind) is list
        self._convert = _converter(typing.get_args(kind)[0] if self._is_many else kind, info)

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value that the command is called with. Raises Misused."""
        if self._is_many:
            return [self._one(item, param, ctx) for item in value or ()]
        return None if value is None else self._one(value, param, ctx)

    def _one(self, value: Any, param: Any, ctx: Any) -> Any:
        if not isinstance(value, str):
            return value  # a default
        try:
            return self._convert(value)
        except ValueError as error:
            raise Misused(
                _("{option} cannot be {value}.").format(option=shown(param), value=repr(value)),
                why=str(error),
                hint=f"{ctx.command_path} --help",
            ) from error
        except ChataiError as error:
            raise Misused(error.what, why=error.why, hint=error.hint) from error


def shown(param: Any) -> str:
    """A parameter as people write it: --limit, NAME."""
    return str(param.opts[0] if param.param_type_name == "option" else (param.metavar or param.name).upper())


def _converter(kind: Any, info: Any) -> Callable[[str], Any]:
    if info.parser is not None:
        return typing.cast("Callable[[str], Any]", info.parser)
    if typing.get_origin(kind) in {typing.Union, types.UnionType}:
        kind = next(part for part in typing.get_args(kind) if part is not types.NoneType)
    if typing.get_origin(kind) is Literal:
        return _choice({str(value): value for value in typing.get_args(kind)})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _choice({str(member.value): member for member in kind})
    if kind in {int, float}:
        return _number(kind, info.min, info.max)
    if kind is bool:
        return _yes_or_no
    assert kind in {str, Path, Any}, f"A parameter of type {kind} needs a parser."
    return typing.cast("Callable[[str], Any]", str if kind is Any else kind)


def _choice(choices: dict[str, Any]) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        if text in choices:
            return choices[text]
        near = difflib.get_close_matches(text, choices, n=1, cutoff=0.5)
        every = _("It is one of {choices}.").format(choices=", ".join(choices))
        raise ValueError(f"{_('Did you mean {name}?').format(name=near[0])} {every}" if near else every)

    return convert


def _number(kind: type[int] | type[float], least: float | None, most: float | None) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        try:
            number = kind(text)
            math.trunc(number)  # neither nan nor infinite
        except (ValueError, OverflowError) as error:
            raise ValueError(_("It is a whole number.") if kind is int else _("It is a number.")) from error
        if not (least is None or number >= least):
            raise ValueError(_("It is at least {number}.").format(number=least))
        if not (most is None or number <= most):
            raise ValueError(_("It is at most {number}.").format(number=most))
        return number

    return convert


def _yes_or_no(text: str) -> bool:
    answers = dict.fromkeys(("1", "yes", "y", "true", "on"), True) | dict.fromkeys(
        ("0", "no", "n", "false", "off"), False
    )
    return bool(_choice(answers)(text.lower()))
