"""What will be done, said before it is done."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Plan:
    """A change that has not been made yet: one sentence, then its steps in order."""

    summary: str
    steps: list[str] = field(default_factory=list)
