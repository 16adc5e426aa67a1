"""Answers that are kept: asked once, given at once, never older than they may be."""

import threading
import time
from collections.abc import Callable

import pytest

from chatai_core.errors import Busy, Unavailable
from chatai_core.server.kept import Kept


def counting(seconds: float = 0.0) -> tuple[list[float], Callable[[], int]]:
    asked: list[float] = []

    def ask() -> int:
        asked.append(time.monotonic())
        time.sleep(seconds)
        return len(asked)

    return asked, ask


def settled(kept: Kept[int], value: int) -> None:
    end = time.monotonic() + 5
    while kept().value != value:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_many_at_once_cost_one_question() -> None:
    asked, ask = counting(0.1)
    kept = Kept(ask)
    threads = [threading.Thread(target=kept) for _number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(asked), kept().value) == (1, 1)


def test_an_old_answer_is_given_while_the_next_is_found() -> None:
    _asked, ask = counting(0.3)
    kept = Kept(ask, fresh=0)
    assert kept().value == 1
    began = time.monotonic()
    assert kept().value == 1
    assert time.monotonic() - began < 0.2
    settled(kept, 2)


def test_nobody_waits_for_a_slow_first_answer() -> None:
    _asked, ask = counting(2)
    kept = Kept(ask, patience=0.1)
    began = time.monotonic()
    with pytest.raises(Unavailable, match="still being measured"):
        kept()
    assert time.monotonic() - began < 1


def test_why_there_is_no_answer_is_told() -> None:
    def ask() -> int:
        raise Busy("The database is busy.")

    with pytest.raises(Busy):
        Kept(ask)()


def test_a_stale_answer_is_no_answer() -> None:
    answers = iter([1])

    def ask() -> int:
        try:
            return next(answers)
        except StopIteration as error:
            raise Unavailable("It is gone.") from error

    kept = Kept(ask, fresh=0, stale=0.2)
    assert kept().value == 1
    time.sleep(0.3)
    with pytest.raises(Unavailable, match="gone"):
        kept()
