"""An answer that is dear: asked for in the background, kept for a while, the same for everybody."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from chatai_core.errors import ChataiError, Unavailable
from chatai_core.i18n import _
from chatai_core.units import Seconds

Value = TypeVar("Value")
logger = logging.getLogger("api.metrics")


@dataclass(frozen=True, slots=True)
class Answer(Generic[Value]):
    """What was found, and when (of time.monotonic)."""

    value: Value
    at: float

    @property
    def age(self) -> Seconds:
        """How old it is."""
        return time.monotonic() - self.at


class Kept(Generic[Value]):
    """The newest answer to a question. Whoever asks waits a moment at most, and only while there is none at all."""

    def __init__(
        self, ask: Callable[[], Value], *, fresh: Seconds = 60, stale: Seconds = 600, patience: Seconds = 2
    ) -> None:
        """Asked again when the answer is older than ``fresh``; not given out any more when older than ``stale``."""
        self._ask = ask
        self._fresh, self._stale, self._patience = fresh, stale, patience
        self._lock = threading.Lock()
        self._answer: Answer[Value] | None = None
        self._error: ChataiError | None = None
        self._under_way: threading.Event | None = None

    def __call__(self) -> Answer[Value]:
        """The answer. Raises Unavailable when there is none, or why it could not be found out."""
        if self._answer is None or self._answer.age > self._fresh:
            asking = self._begun()
            if self._usable() is None:
                asking.wait(self._patience)
        answer = self._usable()
        if answer is not None:
            return answer
        raise self._error or Unavailable(
            _("This is still being measured."), why=_("The database takes its time."), hint="chatai db health"
        )

    def _usable(self) -> Answer[Value] | None:
        answer = self._answer
        return answer if answer is not None and answer.age <= self._stale else None

    def _begun(self) -> threading.Event:
        with self._lock:
            if self._under_way is None:
                self._under_way = threading.Event()
                threading.Thread(target=self._find_out, args=(self._under_way,), daemon=True).start()
            return self._under_way

    def _find_out(self, done: threading.Event) -> None:
        try:
            self._answer, self._error = Answer(self._ask(), time.monotonic()), None
        except ChataiError as error:
            self._error = error
        except Exception:  # nobody waits for this thread: what went wrong must be told here
            logger.exception("an answer for /metrics could not be found")
        finally:
            with self._lock:
                self._under_way = None
            done.set()
