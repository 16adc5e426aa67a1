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


def typed(statement: str) -> str:
    r"""A statement as it is typed into psql, whose own commands (``\password``) take no semicolon.

    >>> typed("SELECT 1"), typed("-- The password:\n\\password r")
    ('SELECT 1;', '-- The password:\n\\password r')
    """
    text = statement.rstrip().rstrip(";")
    return text if text.rpartition("\n")[2].startswith("\\") else f"{text};"


class Explained(Exception):
    """It was not to be run but to be shown, and has been written down."""
