"""How far a long statement is, seen from a second connection while it runs."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from chatai_core.adapters.postgres import READ_ONLY, Database, question
from chatai_core.errors import ChataiError
from chatai_core.i18n import _
from chatai_core.units import Percent, Seconds

EVERY: Seconds = 0.5


@dataclass(frozen=True, slots=True)
class Progress:
    """One look at it: in which phase it is, how much of that is done, which process it waits for.

    The texts are empty while the statement waits to begin; the numbers are None where the phase does not count.
    """

    command: str
    schema: str
    relation: str
    phase: str
    done: int | None
    total: int | None
    waits_for: int | None
    waits_for_application: str
    waits_for_role: str

    @property
    def share(self) -> Percent | None:
        """How much of this phase is done; None when it cannot be said."""
        return min(self.done / self.total, 1.0) if self.done is not None and self.total else None

    @property
    def obstacle(self) -> str | None:
        """Who is in the way, in one sentence; None when nobody is."""
        if self.waits_for is None:
            return None
        return _("Process {pid} ({application}, role {role}) is in the way.").format(
            pid=self.waits_for, application=self.waits_for_application, role=self.waits_for_role
        )


Tell = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """Tell nobody."""


class Watch:
    """What was seen of a process; the newest look counts only while it is fresh."""

    def __init__(self, url: str, pid: int, tell: Tell) -> None:
        self._url = url
        self._pid = pid
        self._tell = tell
        self._over = threading.Event()
        self._seen: tuple[float, Progress] | None = None

    @property
    def obstacle(self) -> str | None:
        """Who was in the way a moment ago; None when nobody was seen."""
        if self._seen is None or time.monotonic() - self._seen[0] > 2 * EVERY:
            return None
        return self._seen[1].obstacle

    def look(self) -> None:
        """Look until it is over. A server that has no connection to spare is not worth a word: nothing is shown."""
        try:
            with closing(Database(self._url, settings=READ_ONLY)) as database:
                while not self._over.wait(EVERY):
                    progress = database.one(Progress, question(__file__), pid=self._pid)
                    if progress is not None:
                        self._seen = (time.monotonic(), progress)
                        self._tell(progress)
        except ChataiError:
            pass

    def end(self) -> None:
        """Look no more."""
        self._over.set()


@contextmanager
def watched(url: str, pid: int, tell: Tell = silent) -> Iterator[Watch]:
    """Tell how far the statements of this server process are, about twice a second, from a thread of its own."""
    watch = Watch(url, pid, tell)
    thread = threading.Thread(target=watch.look, name="progress", daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        watch.end()
        thread.join(2 * EVERY)
