"""One question about health."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from chatai_core.findings import Finding, Skipped
from chatai_core.units import Seconds

Subject = TypeVar("Subject")


@dataclass(frozen=True, slots=True)
class Check(Generic[Subject]):
    """A question about a subject (an installation, a database), who answers it, and how long that may take."""

    name: str
    probe: Callable[[Subject], Finding | Skipped]
    limit: Seconds = 2.0
