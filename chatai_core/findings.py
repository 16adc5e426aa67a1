"""What a check has found, and the verdict over many of them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from chatai_core.errors import ChataiError

Row = TypeVar("Row")
Status = Literal["ok", "warning", "critical", "unknown"]

# A critical finding outweighs what could not be found out; that outweighs a warning.
_WEIGHT: dict[Status, int] = {"ok": 0, "warning": 1, "unknown": 2, "critical": 3}


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer of one check: how bad, why, and the command that repairs it."""

    name: str
    status: Status
    summary: str
    evidence: dict[str, Any] = field(default_factory=dict)
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A check that could not apply here, and why: it says nothing, neither good nor bad."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Survey:
    """All findings of one run, the worst of them, and what was left out."""

    status: Status
    checks: list[Finding]
    duration_seconds: float
    skipped: list[Skipped] = field(default_factory=list)


def worst(findings: Iterable[Finding]) -> Status:
    """The status that decides: critical before unknown before warning before ok.

    >>> worst([Finding("a", "warning", ""), Finding("b", "unknown", "")]), worst([])
    ('unknown', 'ok')
    """
    return max((finding.status for finding in findings), key=_WEIGHT.__getitem__, default="ok")


def grade(value: float, *, warning: float, critical: float) -> Status:
    """How bad a number is that should be small.

    >>> grade(3, warning=5, critical=9), grade(5, warning=5, critical=9), grade(9, warning=5, critical=9)
    ('ok', 'warning', 'critical')
    """
    return "critical" if value >= critical else "warning" if value >= warning else "ok"


def graver(status: Status) -> int:
    """How much a status weighs, for ``max(…, key=graver)``."""
    return _WEIGHT[status]


class Rows(list[Row]):
    """Rows of an answer, and what must be said about them: what they leave out, and how that would be seen.

    Rows of an action may end in a ``failure``: it was done for some of them only.
    """

    def __init__(self, rows: Iterable[Row], reading: str | None = None, *, failure: ChataiError | None = None) -> None:
        """``reading`` is one sentence or more; it is told beside the rows (on stderr), also when there is none.

        ``failure`` is complained of after them, and decides the exit code.
        """
        super().__init__(rows)
        self.reading = reading
        self.failure = failure
