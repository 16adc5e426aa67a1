"""The bot manager beside the backend: started with it, started again when it dies, stopped with it."""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from chatai_core.adapters import command
from chatai_core.i18n import _

logger = logging.getLogger("api.beside")

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0  # seconds before it is started again
_STABLE = 60.0  # seconds after which its life was no failure to start
_GRACE = 30.0  # seconds; the manager itself gives its workers 26 before it kills them
_ARGV = [sys.executable, "-m", "chatai_core.bot_manager", "--tied"]


@contextmanager
def bot_manager(environment: Mapping[str, str], say: Callable[[str], None]) -> Iterator[None]:
    """Keep a bot manager running while the block runs; ``say`` tells the operator when it dies."""
    ending = threading.Event()
    child = command.start(_ARGV, env=environment, detached=True, tied=True)
    keeper = _Keeper(child, environment, ending, say)
    keeper.start()
    try:
        yield
    finally:
        ending.set()
        keeper.join()
        keeper.child.stop(grace=_GRACE)


class _Keeper(threading.Thread):
    """Waits for the manager to die."""

    def __init__(
        self, child: command.Child, environment: Mapping[str, str], ending: threading.Event, say: Callable[[str], None]
    ) -> None:
        super().__init__(name="bot manager", daemon=True)
        self.child = child
        self._environment = environment
        self._ending = ending
        self._say = say

    def run(self) -> None:
        """Start the manager again, after a longer pause each time that it did not live long."""
        pause, since = _FIRST_PAUSE, time.monotonic()
        while not self._ending.wait(0.2):
            if (code := self.child.code) is None:
                continue
            pause = _FIRST_PAUSE if time.monotonic() - since > _STABLE else pause
            sentence = _("The bot manager ended with code {code}; it is started again in {seconds:g} s.")
            self._tell(sentence.format(code=code, seconds=pause))
            if self._ending.wait(pause):
                return
            self.child = command.start(_ARGV, env=self._environment, detached=True, tied=True)
            pause, since = min(2 * pause, _LONGEST_PAUSE), time.monotonic()

    def _tell(self, sentence: str) -> None:
        logger.error("%s", sentence)
        self._say(sentence)
