"""Upkeep is done one task after the other: one that fails keeps nobody from the next, and none is forgotten."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from chatai_core.errors import (
    BadData,
    Busy,
    ChataiError,
    Interrupted,
    Misused,
    NotFound,
    NotPermitted,
    ProgramFailed,
    Unavailable,
)
from chatai_core.i18n import _
from chatai_core.units import Seconds, show_bytes

Task = TypeVar("Task")
Outcome = Literal["done", "failed", "skipped"]

# Of several failures the one decides that another try does not cure.
_GRAVEST: tuple[type[ChataiError], ...] = (
    Interrupted,
    Unavailable,
    ProgramFailed,
    BadData,
    NotPermitted,
    Misused,
    NotFound,
    Busy,
    ChataiError,
)
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Ended:
    """How one task ended; ``remark`` is what must be known of one that was done."""

    outcome: Outcome
    seconds: Seconds | None = None
    remark: str | None = None
    error: ChataiError | None = None

    @property
    def reason(self) -> str | None:
        """Why it was not done, or what must be known although it was."""
        return self.remark if self.error is None else self.error.why or self.error.what


def measured(sizes: Sequence[int | None]) -> str:
    """What the tasks are about takes together; a relation that somebody has locked could not be measured."""
    known = [size for size in sizes if size is not None]
    if not known and sizes:
        return _("in use, size unknown")
    return show_bytes(sum(known)) + (" + ?" if len(known) < len(sizes) else "")


def must_be_possible(obstacles: Sequence[ChataiError | None]) -> None:
    """Refuse a plan of which nothing could be done. Raises what stands in the way of the first task."""
    first = next(iter(obstacles), None)
    if first is None or not all(obstacles):
        return
    if len(obstacles) == 1:
        raise first
    raise type(first)(
        _("None of the {count} could be done: {first}").format(count=len(obstacles), first=first.what),
        why=first.why,
        hint=first.hint,
    )


def carry_out(tasks: Sequence[Task], perform: Callable[[Task], str | None]) -> list[Ended]:
    """How each of the tasks ended. When the server is gone or we are to end, those that remain are skipped."""
    ended: list[Ended] = []
    stop: Ended | None = None
    for task in tasks:
        if stop is None:
            one = _performed(task, perform)
            if isinstance(one.error, Unavailable | Interrupted):
                stop = Ended("skipped", remark=_("It was not begun: {reason}").format(reason=one.reason))
            ended.append(one)
        else:
            ended.append(stop)
    return ended


def _performed(task: Task, perform: Callable[[Task], str | None]) -> Ended:
    began = time.monotonic()
    try:
        remark = perform(task)
    except KeyboardInterrupt as error:
        return Ended("failed", _since(began), error=Interrupted.by(error))
    except ChataiError as error:
        return Ended("failed", _since(began), error=error)
    return Ended("done", _since(began), remark)


def _since(began: float) -> Seconds:
    return round(time.monotonic() - began, 3)


def failure(names: Sequence[str], ended: Sequence[Ended]) -> ChataiError | None:
    """What is to be complained of after the rows; None when all was done. ``names`` are the tasks', in their order."""
    failed = [(name, one.error) for name, one in zip(names, ended, strict=True) if one.error is not None]
    if not failed:
        return None
    kind, error = next((k, e) for k in _GRAVEST for _name, e in failed if isinstance(e, k))
    if kind is Interrupted:
        return error
    shown = [name for name, _error in failed]
    what = _("{failed} of {all} could not be done: {names}.").format(
        failed=len(failed), all=len(names), names=", ".join(shown[:_NAMED]) + (" …" if len(shown) > _NAMED else "")
    )
    return kind(what, why=error.why or error.what, hint=error.hint)
