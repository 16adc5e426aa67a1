"""Calls into C libraries, which hear no signal while they wait: Ctrl-C and SIGTERM end them all the same."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Result = TypeVar("Result")

_PATIENCE = 1.0  # seconds that the call gets to end after each way to end it


def call(wanted: Callable[[], Result], *ways_to_end: Callable[[], object]) -> Result:
    """What the call returns, or the exception that a signal's handler raises while it is waited for.

    Python's handlers run in the main thread, between its own instructions: there the call is made in another thread,
    and ended in these ways, the gentlest first. Elsewhere, as in the threads of a server, it is simply made.
    """
    if threading.current_thread() is not threading.main_thread():
        return wanted()
    work = _Work(wanted)
    try:
        work.ended.wait()
    except BaseException:
        for end in ways_to_end:
            if not work.ended.is_set():
                _Work(end)
                work.ended.wait(_PATIENCE)
        raise
    return work.outcome()


class _Work(Generic[Result]):
    """A call in a thread of its own, which does not keep the process from ending."""

    def __init__(self, wanted: Callable[[], Result]) -> None:
        self.ended = threading.Event()  # Thread.join takes a thread for ended when a signal interrupts it (bpo-45274)
        self._wanted = wanted
        self._result: list[Result] = []
        self._error: BaseException | None = None
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            self._result.append(self._wanted())
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            self._error = error
        finally:
            self.ended.set()

    def outcome(self) -> Result:
        """What the call has returned; raises what it has raised."""
        if self._error is not None:
            raise self._error
        return self._result[0]
