"""How far a long action is: on stderr, only on a terminal, only when it lasts; gone when it has ended."""

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from chatai_core.i18n import _
from chatai_ops import look
from chatai_ops.cells import harmless

if TYPE_CHECKING:
    from chatai_core.database.upkeep.progress import Progress

Result = TypeVar("Result")
Tell = Callable[["Progress"], None]

_SOON = 1.0  # seconds that go by without a word


def followed(work: Callable[[Tell], Result]) -> Callable[[], Result]:
    """The action, with its progress shown while it is carried out."""

    def carried_out() -> Result:
        line = _Line()
        try:
            return work(line.tell)
        finally:
            line.end()

    return carried_out


class _Line:
    """One line of the terminal with a bar in it, drawn again whenever there is news."""

    def __init__(self) -> None:
        self._is_seen = look.is_terminal(sys.stderr)
        self._begin = time.monotonic() + _SOON
        self._bar: Any = None
        self._task: Any = None

    def tell(self, progress: "Progress") -> None:
        """Show the news; called from another thread than ``end``."""
        if not self._is_seen or time.monotonic() < self._begin:
            return
        if self._bar is None:
            self._open()
        self._bar.update(self._task, description=sentence(progress), completed=progress.done or 0, total=progress.total)

    def end(self) -> None:
        """Take the line away."""
        self._is_seen = False
        if self._bar is not None:
            self._bar.stop()

    def _open(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
        from rich.table import Column

        words = TextColumn(
            "{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)
        )
        columns = (BarColumn(20), TaskProgressColumn(), TimeElapsedColumn(), words)
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False, expand=True)
        self._task = self._bar.add_task("", total=None)
        self._bar.start()


def sentence(progress: "Progress") -> str:
    """What is being done to what, in which phase, and who is in the way."""
    name = ".".join(filter(None, (progress.schema, progress.relation)))
    words = [f"{progress.command} {name}".strip() or _("waiting"), progress.phase, progress.obstacle or ""]
    return harmless(": ".join(filter(None, words)))
