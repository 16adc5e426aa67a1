"""Measurements and the bars they must keep, as a page of the documentation."""

import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Bar:
    """The most that a row may cost: milliseconds, or so many times another row of the same run."""

    most: float
    times: str | None = None

    def limit(self, medians: dict[str, float]) -> float:
        """The bar in milliseconds."""
        return self.most * (medians[self.times] if self.times else 1)

    def __str__(self) -> str:
        return f"≤ {self.most:g} × `{self.times}`" if self.times else f"≤ {self.most:g} ms"


@dataclass(frozen=True, slots=True)
class Row:
    """One program: how long each of its runs took, in milliseconds; none when it was skipped, and why."""

    name: str
    runs: list[float] = field(default_factory=list)
    bar: Bar | None = None
    skipped: str = ""

    @property
    def median(self) -> float:
        """The run in the middle."""
        return sorted(self.runs)[len(self.runs) // 2]


@dataclass(frozen=True, slots=True)
class Chapter:
    """Rows of the same run; the first one is what the others are compared with."""

    title: str
    story: str
    rows: list[Row]

    def missed(self) -> list[str]:
        """The rows that cost more than they may."""
        medians = self._medians()
        return [row.name for row in self.rows if row.runs and row.bar and row.median > row.bar.limit(medians)]

    def page(self) -> str:
        """The chapter in Markdown."""
        head = f"## {self.title}\n\n{self.story}\n\n"
        table = "| program | median ms | fastest | times the first | bar | |\n|---|--:|--:|--:|---|---|\n"
        return head + table + "".join(map(self._line, self.rows))

    def _line(self, row: Row) -> str:
        if not row.runs:
            return f"| `{row.name}` | skipped | | | {row.bar or ''} | {row.skipped} |\n"
        ratio = row.median / self.rows[0].median
        verdict = "" if row.bar is None else "missed" if row.name in self.missed() else "kept"
        numbers = f"{row.median:.0f} | {min(row.runs):.0f} | {ratio:.1f}"
        return f"| `{row.name}` | {numbers} | {row.bar or ''} | {verdict} |\n"

    def _medians(self) -> dict[str, float]:
        return {row.name: row.median for row in self.rows if row.runs}


def page(chapters: Iterable[Chapter]) -> str:
    """The whole page."""
    head = (
        "# Performance\n\n"
        "`python -m benchmarks` measures all of this and writes this page. Times drift with the machine and with what"
        " else it does; compare the ratios, which come from one run.\n\n"
        f"Measured on {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python {platform.python_version()},"
        f" load {os.getloadavg()[0]:.1f} at the end.\n\n"
    )
    return head + "\n".join(chapter.page() for chapter in chapters)
