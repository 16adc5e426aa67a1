"""A bug of ChatAI's own: its traceback is kept in a file, without secrets, and the operator reads one sentence."""

import platform
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

from chatai_core import __version__, journal, settings
from chatai_core.errors import ChataiError
from chatai_core.i18n import _


class Bug(ChataiError):
    """ChatAI has met a bug of its own."""


def saved(error: BaseException, arguments: list[str]) -> Bug:
    """Keep the traceback; what to tell the operator."""
    why = without_secrets(f"{type(error).__name__}: {error}".partition("\n")[0])
    try:
        path = _write(_report(error, arguments))
    except OSError as reason:
        return Bug(why=f"{why} " + _("The traceback could not be saved: {reason}.").format(reason=reason.strerror))
    return Bug(why=why, hint=f"cat {path}")


def without_secrets(text: str) -> str:
    """The text with what looks like a secret, and every secret setting of this process, replaced."""
    for value in _configured():
        text = text.replace(value, "********")
    return journal.redact(text)


def _configured() -> list[str]:
    try:
        given = settings.found()
    except (ChataiError, OSError):
        return []
    secret = (given[d.name].text for d in settings.definitions() if d.is_secret and d.name in given)
    return [text for text in secret if len(text) >= 6]


def _report(error: BaseException, arguments: list[str]) -> str:
    head = f"chatai {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
    line = f"chatai {' '.join(arguments)}\n{datetime.now(UTC).isoformat(timespec='seconds')}\n\n"
    return without_secrets(head + line + "".join(traceback.format_exception(error)))


def _write(report: str) -> Path:
    for directory in _directories():
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            number, name = tempfile.mkstemp(".txt", f"{datetime.now():%Y%m%d-%H%M%S}-", directory)
        except OSError:
            continue
        with open(number, "w", encoding="utf-8", errors="backslashreplace") as stream:  # noqa: PTH123
            stream.write(report)
        return Path(name)
    raise OSError(0, _("no directory can be written"))


def _directories() -> list[Path]:
    temporary = Path(tempfile.gettempdir())
    try:
        return [settings.load().home / "crashes", temporary]
    except (ChataiError, OSError):
        return [temporary]
