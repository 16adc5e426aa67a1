"""When PostgreSQL vacuums and analyzes a table by itself: the arithmetic of its documentation, chapter 25.1.6."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chatai_core.adapters.postgres import Database, question


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one table: the server's settings, and what its own options say otherwise."""

    settings: Mapping[str, str]

    def of(self, options: Sequence[str] | None) -> "Rules":
        """The rules of a table with these options, as pg_class has them: name=value."""
        return Rules({**self.settings, **dict(option.split("=", 1) for option in options or ())})

    @property
    def block(self) -> int:
        """The bytes of a page."""
        return int(self.settings["block_size"])

    @property
    def is_on(self) -> bool:
        """Whether it happens at all, but for wraparound."""
        return (
            _is_on(self.settings["autovacuum"]) and _is_on(self.settings["track_counts"]) and not self.is_off_by_option
        )

    @property
    def is_off_by_option(self) -> bool:
        """Whether the table itself wants none."""
        return not _is_on(self.settings.get("autovacuum_enabled", "on"))

    def vacuum_threshold(self, tuples: float) -> float:
        """Dead rows beyond which a table of so many rows is vacuumed; PostgreSQL 18 has a highest number of them."""
        threshold = self._threshold("vacuum", tuples)
        highest = float(self.settings.get("autovacuum_vacuum_max_threshold", -1))
        return threshold if highest < 0 else min(threshold, highest)

    def insert_threshold(self, tuples: float, frozen: float) -> float:
        """Inserted rows beyond which it is vacuumed too; ``frozen`` is the share of its pages that need none."""
        if float(self.settings["autovacuum_vacuum_insert_threshold"]) < 0:
            return float("inf")
        return self._threshold("vacuum_insert", tuples * (1 - frozen))

    def analyze_threshold(self, tuples: float) -> float:
        """Changed rows beyond which a table is analyzed."""
        return self._threshold("analyze", tuples)

    def _threshold(self, what: str, tuples: float) -> float:
        base, scale = (float(self.settings[f"autovacuum_{what}_{name}"]) for name in ("threshold", "scale_factor"))
        return base + scale * max(tuples, 0)


def _is_on(value: str) -> bool:
    return value.lower() in {"on", "true", "yes", "1"}


def rules(database: Database) -> Rules:
    """The settings of the server."""
    return Rules(database.value(question(__file__)))
