"""Many checks at once: none waits for a broken one, and none for longer than its limit."""

import logging
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from queue import Empty, SimpleQueue

from chatai_core.errors import ChataiError
from chatai_core.findings import Finding, Skipped, Survey, worst
from chatai_core.health.check import Check, Subject
from chatai_core.i18n import _
from chatai_core.units import Seconds

logger = logging.getLogger(__name__)

Answer = Finding | Skipped
Answers = Mapping[str, "SimpleQueue[Answer]"]


def run(subject: Subject, checks: Sequence[Check[Subject]]) -> Survey:
    """The findings in the order of the checks, each asked by itself; what could not be found out is UNKNOWN."""
    began, answers = time.monotonic(), _answers(checks)
    for check in checks:
        _begin(subject, _queue([check]), answers)
    return summed([_awaited(check.name, answers, began, check.limit) for check in checks], began)


def run_in_lanes(lanes: Iterable[Subject], checks: Sequence[Check[Subject]], *, limit: Seconds) -> Survey:
    """The same with a few subjects (connections), each asked one check after the other; all within ``limit``."""
    began, answers, to_do = time.monotonic(), _answers(checks), _queue(checks)
    for lane in lanes:
        _begin(lane, to_do, answers)
    return summed([_awaited(check.name, answers, began, limit) for check in checks], began)


def summed(found: Sequence[Answer], began: float) -> Survey:
    """The verdict over what was found since ``began`` (of time.monotonic)."""
    findings = [one for one in found if isinstance(one, Finding)]
    skipped = [one for one in found if isinstance(one, Skipped)]
    return Survey(worst(findings), findings, time.monotonic() - began, skipped)


def _answers(checks: Sequence[Check[Subject]]) -> Answers:
    return {check.name: SimpleQueue() for check in checks}


def _queue(checks: Sequence[Check[Subject]]) -> "SimpleQueue[Check[Subject]]":
    queue: SimpleQueue[Check[Subject]] = SimpleQueue()
    for check in checks:
        queue.put(check)
    return queue


def _begin(subject: Subject, to_do: "SimpleQueue[Check[Subject]]", answers: Answers) -> None:
    # A thread which nobody waits for at the end: a server that hangs must not keep us.
    threading.Thread(target=_work, args=(subject, to_do, answers), name="checks", daemon=True).start()


def _work(subject: Subject, to_do: "SimpleQueue[Check[Subject]]", answers: Answers) -> None:
    while not to_do.empty():
        try:
            check = to_do.get_nowait()
        except Empty:
            return
        answers[check.name].put(_asked(subject, check))


def _asked(subject: Subject, check: Check[Subject]) -> Answer:
    try:
        return check.probe(subject)
    except ChataiError as error:
        return Finding(check.name, "unknown", str(error), remedy=error.hint or None)
    except Exception as error:  # a check that is broken must not hide the others
        logger.exception("the check %s is broken", check.name)
        return Finding(check.name, "unknown", _("The check itself failed: {error}.").format(error=type(error).__name__))


def _awaited(name: str, answers: Answers, began: float, limit: Seconds) -> Answer:
    try:
        return answers[name].get(timeout=max(0.0, began + limit - time.monotonic()))
    except Empty:
        return Finding(name, "unknown", _("No answer within {seconds:g} seconds.").format(seconds=limit))
