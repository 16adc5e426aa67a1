"""The kinds of failure that an operator can act on.

An error says three things: what happened, why, and what to type next. The docstring of a class is what it says
when nothing better is known. Every class belongs to one of the kinds below; exit codes (``chatai_ops/exits.py``) and
HTTP statuses (``server/errors.py``) are looked up along the class's ancestors.
"""

from signal import SIGINT, Signals
from typing import Self

from chatai_core.i18n import _


class ChataiError(Exception):
    """ChatAI could not do what was asked."""

    def __init__(self, what: str = "", *, why: str = "", hint: str = "") -> None:
        """Take whole sentences: what happened, why, and the next command to type."""
        self.what = what or _(self._sentence())
        self.why = why
        self.hint = hint
        super().__init__(self.what)

    @classmethod
    def _sentence(cls) -> str:
        return (cls.__doc__ or "").strip().partition("\n")[0]

    def __str__(self) -> str:
        return f"{self.what} {self.why}".strip()


class Misused(ChataiError):
    """The command was not given what it needs."""


class BadData(ChataiError):
    """What was read is damaged or is not what it claims to be."""


class Duplicate(BadData):
    """This exists already."""


class NotFound(ChataiError):
    """There is no such thing."""


class Unavailable(ChataiError):
    """A server does not answer."""


class CannotCreate(ChataiError):
    """A file or directory cannot be written."""


class Busy(ChataiError):
    """Somebody else is doing this at the moment."""


class ServerFull(Busy):
    """The server has no free connection."""


class NotPermitted(ChataiError):
    """This is not permitted."""


class Unauthenticated(NotPermitted):
    """The credentials are missing, wrong or out of date."""


class AccessRefused(NotPermitted):
    """A server refuses the credentials that ChatAI has for it."""


class DatabaseMissing(NotFound):
    """The server does not know this database or role."""


class Misconfigured(ChataiError):
    """A setting is missing or wrong."""


class Declined(ChataiError):
    """Nothing was changed: the question was answered with no."""


class Interrupted(Declined):
    """It was ended before it was done."""

    signal: int = SIGINT

    @classmethod
    def by(cls, interrupt: KeyboardInterrupt, *, why: str = "") -> Self:
        """Ctrl-C, or the other signal whose number the exception carries."""
        number = next(iter(interrupt.args), SIGINT)
        ended = _("Ended by {signal}.").format(signal=Signals(number).name)
        error = cls(_("Interrupted.") if number == SIGINT else ended, why=why)
        error.signal = number
        return error


class ProgramFailed(ChataiError):
    """A program that ChatAI started has failed."""
