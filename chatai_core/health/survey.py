"""Many checks at once: none waits for another, and none for longer than its own limit."""

import logging
import threading
import time
from collections.abc import Sequence
from queue import Empty, SimpleQueue

from chatai_core.errors import ChataiError
from chatai_core.findings import Finding, Survey, worst
from chatai_core.health.check import Check
from chatai_core.i18n import _
from chatai_core.installation import Installation

logger = logging.getLogger(__name__)


def run(installation: Installation, checks: Sequence[Check]) -> Survey:
    """The findings in the order of the checks; what could not be found out is UNKNOWN."""
    began = time.monotonic()
    answers = [_started(installation, check) for check in checks]
    found = [_awaited(check, answer, began + check.limit) for check, answer in zip(checks, answers, strict=True)]
    return Survey(worst(found), found, time.monotonic() - began)


def _started(installation: Installation, check: Check) -> "SimpleQueue[Finding]":
    answer: SimpleQueue[Finding] = SimpleQueue()
    # A thread of its own, which nobody waits for at the end: a server that hangs must not keep us.
    threading.Thread(
        target=lambda: answer.put(_asked(installation, check)), name=f"check {check.name}", daemon=True
    ).start()
    return answer


def _asked(installation: Installation, check: Check) -> Finding:
    try:
        return check.probe(installation)
    except ChataiError as error:
        return Finding(check.name, "unknown", str(error), remedy=error.hint or None)
    except Exception as error:  # a check that is broken must not hide the others
        logger.exception("the check %s is broken", check.name)
        return Finding(check.name, "unknown", _("The check itself failed: {error}.").format(error=type(error).__name__))


def _awaited(check: Check, answer: "SimpleQueue[Finding]", deadline: float) -> Finding:
    try:
        return answer.get(timeout=max(0.0, deadline - time.monotonic()))
    except Empty:
        return Finding(check.name, "unknown", _("No answer within {seconds:g} seconds.").format(seconds=check.limit))
