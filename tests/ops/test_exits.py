"""Every kind of error has its exit code."""

import signal

import pytest

from chatai_core import errors
from chatai_core.errors import ChataiError
from chatai_ops import exits

CODES = {
    "Misused": 64, "BadData": 65, "Duplicate": 65, "NotFound": 66, "DatabaseMissing": 66, "Unavailable": 69,
    "ProgramFailed": 69, "CannotCreate": 73, "Busy": 75, "NotPermitted": 77, "Unauthenticated": 77, "AccessRefused": 77,
    "Misconfigured": 78, "Declined": 130, "Interrupted": 130,
}  # fmt: skip


def kinds() -> list[type[ChataiError]]:
    return [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ChataiError)]


@pytest.mark.parametrize(("name", "code"), CODES.items())
def test_the_code_of_a_kind(name: str, code: int) -> None:
    assert exits.for_error(getattr(errors, name)()) == code


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_the_code_of_a_signal(number: signal.Signals, code: int) -> None:
    assert exits.for_error(errors.Interrupted.by(KeyboardInterrupt(number))) == code


def test_every_kind_is_in_the_table() -> None:
    direct = {kind for kind in kinds() if kind.__bases__ == (ChataiError,)}
    assert direct <= set(exits.FOR_ERRORS)


def test_every_class_ends_in_a_code_of_its_own() -> None:
    assert {kind.__name__ for kind in kinds() if exits.for_error(kind()) == exits.BUG} == {"ChataiError"}


class Verdict:
    def __init__(self, status: object) -> None:
        self.status = status


@pytest.mark.parametrize(
    ("result", "code"),
    [
        (None, 0),
        ([], 0),
        (Verdict("ok"), 0),
        (Verdict("warning"), 1),
        (Verdict("critical"), 2),
        (Verdict("unknown"), 3),
    ],
)
def test_a_verdict_decides(result: object, code: int) -> None:
    assert exits.for_result(result) == code


@pytest.mark.parametrize("status", [200, "running", None])
def test_another_status_is_no_verdict(status: object) -> None:
    assert exits.for_result(Verdict(status)) == 0
