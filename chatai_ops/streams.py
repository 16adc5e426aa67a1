"""The three standard streams: made harmless at the start, written to in one way, let go of at the end.

``chatai --version`` needs this module and little else: it imports only what the interpreter has loaded already.
"""

import io
import os
import sys


class ReaderGone(Exception):
    """Whoever read stdout has left, as ``head`` does: no reason to complain."""


def write(text: str) -> None:
    """Write to stdout at once. Raises ReaderGone, or CannotCreate when the disk is full."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError as error:
        raise ReaderGone from error
    except OSError as error:
        from chatai_core.errors import CannotCreate
        from chatai_core.i18n import _

        raise CannotCreate(_("The output cannot be written."), why=f"{error.strerror}.", hint="df -h .") from error


def note(text: str) -> None:
    """Write a line to stderr, which carries everything but the answer; nobody may be listening there."""
    try:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
    except OSError:
        abandon(2)


def prepare() -> None:
    """Give closed streams a harmless stand-in and let no character be an error."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            _replace(number, name)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _replace(number: int, name: str) -> None:
    # With `>&-` the number would go to the next file or socket opened, and our output into it. Opened for
    # reading, stdout refuses what is written: an answer that is lost is an error, as with coreutils.
    opened = os.open(os.devnull, os.O_WRONLY if name == "stderr" else os.O_RDONLY)
    if opened != number:
        os.dup2(opened, number)
        os.close(opened)
    setattr(sys, name, open(number, "r" if name == "stdin" else "w", encoding="utf-8", closefd=False))  # noqa: SIM115


def abandon(number: int = 1) -> None:
    """Let what is still buffered for this stream vanish, so that the interpreter's last flush has nothing to say."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)
