"""The verdict over many findings."""

import itertools

import pytest

from chatai_core.findings import Finding, Status, worst

ORDER: list[Status] = ["ok", "warning", "unknown", "critical"]


@pytest.mark.parametrize(("better", "worse"), list(itertools.combinations(ORDER, 2)))
def test_the_worse_one_decides(better: Status, worse: Status) -> None:
    assert worst([Finding("a", worse, ""), Finding("b", better, "")]) == worse


def test_nothing_found_is_fine() -> None:
    assert worst([]) == "ok"
