"""How long to wait before the next try."""

import random
from dataclasses import dataclass, field


@dataclass(slots=True)
class Backoff:
    """Doubles from ``first`` to ``most`` seconds; begins again after ``stable`` seconds without a failure."""

    first: float
    most: float
    stable: float = 0.0
    failures: int = 0
    _failed_at: float = field(default=float("-inf"))

    def pause(self, now: float) -> float:
        """Count a failure at ``now`` (a monotonic clock); the seconds to wait, with up to a fifth of jitter less."""
        if self.stable and now - self._failed_at > self.stable:
            self.failures = 0
        seconds = min(self.most, self.first * 2.0 ** min(self.failures, 30))
        self.failures += 1
        self._failed_at = now
        return seconds * random.uniform(0.8, 1.0)

    def reset(self) -> None:
        """It works again."""
        self.failures = 0
