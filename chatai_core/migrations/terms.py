"""On which terms a database is migrated: how long it may wait, how often it tries, what it is given."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chatai_core.units import Seconds

if TYPE_CHECKING:
    from chatai_core.adapters.crypto import Cipher

WAIT: Seconds = 60.0
LOCK_TIMEOUT: Seconds = 3.0  # behind a lock that waits, every query of the backend queues up
ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Terms:
    """How long another migration and a lock are waited for, and how often all is tried.

    ``cipher`` gives what encrypts the tokens of a former ChatAI's database: without it none is adopted. ``backups``
    is where the manifests are; ``say`` tells a person what is going on.
    """

    wait: Seconds = WAIT
    lock_timeout: Seconds = LOCK_TIMEOUT
    attempts: int = ATTEMPTS
    pause: Seconds = 0.5  # doubled after each attempt
    cipher: "Callable[[], Cipher] | None" = None
    backups: Path | None = None
    say: Callable[[str], object] | None = None

    def tell(self, sentence: str) -> None:
        """Say it to whoever waits, and keep it in the log."""
        import logging  # 10 ms that ``migrate current`` need not pay

        logging.getLogger(__name__).warning("%s", sentence)
        if self.say is not None:
            self.say(sentence)
