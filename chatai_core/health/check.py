"""One question about the installation's health."""

from collections.abc import Callable
from dataclasses import dataclass

from chatai_core.findings import Finding
from chatai_core.installation import Installation
from chatai_core.units import Seconds


@dataclass(frozen=True, slots=True)
class Check:
    """A question, who answers it, and how long the answer may take."""

    name: str
    probe: Callable[[Installation], Finding]
    limit: Seconds = 2.0
