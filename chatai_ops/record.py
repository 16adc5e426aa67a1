"""The line in audit.log that every change leaves behind."""

import getpass
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from chatai_core import journal
from chatai_core.errors import ChataiError, Interrupted
from chatai_core.findings import Rows
from chatai_core.i18n import _
from chatai_ops.streams import note

if TYPE_CHECKING:
    from chatai_core.installation import Installation

Result = TypeVar("Result")


def recorded(chatai: "Installation", operation: str, summary: str, carry_out: Callable[[], Result]) -> Result:
    """Make a change and write down who made it and how it ended."""
    unopened = _open(chatai)
    if unopened is not None:
        result = carry_out()
        note(_("This change will not be in audit.log: {reason}").format(reason=unopened))
        return result
    try:
        result = carry_out()
    except ChataiError as error:
        _audit(operation, "failed", summary, error)
        raise
    except KeyboardInterrupt as error:
        _audit(operation, "failed", summary, Interrupted.by(error))
        raise
    except BaseException as error:
        _audit(operation, "error", summary, error)
        raise
    failure = result.failure if isinstance(result, Rows) else None
    _audit(operation, "failed" if failure else "success", summary, failure)
    return result


def _open(chatai: "Installation") -> ChataiError | None:
    """Open the journal; why it cannot be: a full disk must not keep anybody from repairing things."""
    settings = chatai.settings
    try:
        journal.open(settings.log_dir, service="chatai", level=settings.journal.level, format=settings.journal.format)
    except ChataiError as error:
        return error
    return None


def _audit(operation: str, status: str, summary: str, error: BaseException | None = None) -> None:
    journal.audit(operation, status, user_id=_person(), details={"summary": summary}, error=error)


def _person() -> str:
    """Who is at the keyboard, also behind sudo."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # no entry in /etc/passwd, as in many containers
        return f"uid-{os.getuid()}"
