"""A signal ends what would not hear it, in the gentlest way that works."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

import pytest

from chatai_core.adapters import interruptible


class Signalled(Exception):
    """What the handler raises, as KeyboardInterrupt is raised by Ctrl-C."""


@pytest.fixture
def signalled() -> Iterator[None]:
    """A signal arrives in a tenth of a second."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        raise Signalled

    before = signal.signal(signal.SIGUSR1, handle)
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1))
    timer.start()
    yield
    timer.join()
    signal.signal(signal.SIGUSR1, before)


def test_what_the_call_returns_or_raises_comes_out() -> None:
    assert interruptible.call(lambda: "result") == "result"
    with pytest.raises(ZeroDivisionError):
        interruptible.call(lambda: 1 / 0)


def test_elsewhere_than_in_the_main_thread_it_is_simply_made() -> None:
    threads: list[object] = []
    thread = threading.Thread(target=lambda: interruptible.call(lambda: threads.append(threading.current_thread())))
    thread.start()
    thread.join()
    assert threads == [thread]


@pytest.mark.usefixtures("signalled")
def test_a_signal_ends_the_call_in_the_first_way_that_works() -> None:
    free, tried = threading.Event(), list[str]()
    began = time.monotonic()
    with pytest.raises(Signalled):
        interruptible.call(
            lambda: free.wait(30),
            lambda: tried.append("in vain"),
            lambda: (tried.append("works"), free.set()),
            lambda: tried.append("not needed"),
        )
    assert tried == ["in vain", "works"]
    assert 1 < time.monotonic() - began < 2


@pytest.mark.usefixtures("signalled")
def test_a_call_that_nothing_ends_is_left_alone() -> None:
    free = threading.Event()
    began = time.monotonic()
    with pytest.raises(Signalled):
        interruptible.call(lambda: free.wait(30))
    assert time.monotonic() - began < 1
    free.set()
