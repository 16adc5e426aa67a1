"""The entry of the chatai command, and its outermost edge: whatever happens ends in an exit code and a sentence."""

import _signal  # type: ignore[import-not-found]  # what signal adds to it takes longer than --version
import _thread
import sys
import time

TYPE_CHECKING = False  # typing's own would cost --version a tenth of its time
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from chatai_core.errors import ChataiError


def main() -> None:
    """Run the command line of this process."""
    sys.exit(guarded(_run, sys.argv[1:]))


def guarded(run: "Callable[[list[str]], int]", arguments: list[str]) -> int:
    """Run a command line; the exit code, also when it fails. No exception comes out."""
    sys.unraisablehook = _heard_once_more
    _replace_handlers(_signal.SIG_DFL, _end)
    if "serve" in arguments:  # it has a handler of its own; until that is there, nothing needs an orderly end
        _signal.signal(_signal.SIGTERM, _signal.SIG_DFL)
    try:
        from chatai_ops import streams

        streams.prepare()
        code = run(arguments)
        streams.write("")  # what is still buffered
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the outermost edge
        _signal.signal(_signal.SIGINT, _signal.SIG_IGN)  # all is over: another Ctrl-C could only spoil the exit code
        _replace_handlers(_end, _end_already)
        return _failed(error, arguments)
    finally:
        for handler in (_end, _end_already):
            _replace_handlers(handler, _signal.SIG_DFL)  # nothing is left to be cleaned up
    return code


def _replace_handlers(old: object, new: object) -> None:
    """Of the signals that end a program, where the old one is in force: nohup ignores SIGHUP, serve has its own."""
    for number in (_signal.SIGTERM, _signal.SIGHUP):
        if _signal.getsignal(number) == old:
            _signal.signal(number, new)


def _end(number: int, _frame: object) -> None:
    """End as after Ctrl-C, once: a terminal that closes sends SIGHUP twice, which would spoil the cleaning."""
    _replace_handlers(_end, _end_already)
    raise KeyboardInterrupt(number)


def _end_already(_number: int, _frame: object) -> None:
    """Not SIG_IGN, which the programs that we start would inherit."""


def _heard_once_more(lost: "Any") -> None:
    """Python only complains of a Ctrl-C that comes while it deletes something: hear it again instead."""
    if isinstance(lost.exc_value, KeyboardInterrupt):
        _replace_handlers(_end_already, _end)
        _thread.start_new_thread(_interrupt, lost.exc_value.args)
    else:
        sys.__unraisablehook__(lost)


def _interrupt(number: int = _signal.SIGINT) -> None:
    time.sleep(0.01)  # until Python is out of what it deletes, or it would be lost again
    _thread.interrupt_main(number)  # type: ignore[arg-type]  # a number will do


def _run(arguments: list[str]) -> int:
    if arguments == ["--version"]:
        from chatai_core import __version__
        from chatai_ops.streams import write

        write(f"chatai {__version__}\n")  # without typer, which takes five times as long
        return 0
    from chatai_ops import root

    return root.run(arguments)


def _failed(error: BaseException, arguments: list[str]) -> int:
    """Say what happened; the exit code."""
    from chatai_ops import exits, look, render, streams

    try:
        if isinstance(error, streams.ReaderGone):
            return exits.READER_GONE
        ours = _ours(error, arguments)
        form = look.asked_form(arguments)
        render.complain(ours, form)
        return exits.FOR_STATUSES["unknown"] if form == "nagios" else exits.for_error(ours)
    finally:
        streams.abandon()  # what could not be written would be complained of once more at the end


def _ours(error: BaseException, arguments: list[str]) -> "ChataiError":
    from chatai_core.errors import ChataiError, Interrupted

    if isinstance(error, ChataiError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return Interrupted.by(error)
    from chatai_ops import crash

    return crash.saved(error, arguments)
