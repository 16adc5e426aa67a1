"""What will be done, said before it is done."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Plan:
    """A change that has not been made yet: one sentence, then its steps in order, then the statements as typed."""

    summary: str
    steps: list[str] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Remarked(Plan):
    """A plan with what must be known before it is agreed to, in sentences."""

    remarks: list[str] = field(default_factory=list)


class Explained(Exception):
    """It was not to be run but to be shown, and has been written down."""
