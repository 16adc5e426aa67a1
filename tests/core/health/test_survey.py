"""Surveys: checks that answer, hang, and break."""

import logging
import threading
import time

import pytest

from chatai_core.errors import Unavailable
from chatai_core.findings import Finding, Skipped
from chatai_core.health import survey
from chatai_core.health.check import Check
from chatai_core.installation import Installation


def _fine(installation: Installation) -> Finding:
    return Finding("fine", "ok", "All is well.")


def _slow(installation: Installation) -> Finding:
    time.sleep(0.3)
    return Finding("slow", "warning", "That took a while.")


def _hanging(installation: Installation) -> Finding:
    time.sleep(5)
    return Finding("hanging", "ok", "")


def _away(installation: Installation) -> Finding:
    raise Unavailable("The thing does not answer.", hint="chatai thing start")


def _broken(installation: Installation) -> Finding:
    raise ZeroDivisionError("a bug")


def test_the_worst_finding_decides_and_the_order_stays() -> None:
    found = survey.run(Installation(), [Check("slow", _slow), Check("fine", _fine)])

    assert found.status == "warning"
    assert [finding.name for finding in found.checks] == ["slow", "fine"]
    assert survey.run(Installation(), []).status == "ok"


def test_checks_do_not_wait_for_each_other() -> None:
    found = survey.run(Installation(), [Check("slow", _slow)] * 5)

    assert found.duration_seconds < 1


def test_a_check_that_hangs_is_unknown_after_its_limit() -> None:
    found = survey.run(Installation(), [Check("hanging", _hanging, limit=0.2), Check("fine", _fine)])

    assert found.duration_seconds < 1
    assert [finding.status for finding in found.checks] == ["unknown", "ok"]
    assert found.checks[0].summary == "No answer within 0.2 seconds."


def test_what_could_not_be_found_out_is_unknown(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        found = survey.run(Installation(), [Check("away", _away), Check("broken", _broken)])

    away, broken = found.checks
    assert away == Finding("away", "unknown", "The thing does not answer.", remedy="chatai thing start")
    assert (broken.status, broken.summary) == ("unknown", "The check itself failed: ZeroDivisionError.")
    assert "a bug" in caplog.text


def test_lanes_share_the_checks_and_the_order_stays() -> None:
    asked: list[tuple[str, str]] = []

    def probe(lane: str) -> Finding:
        time.sleep(0.02)
        asked.append((lane, threading.current_thread().name))
        return Finding("one", "ok", lane)

    checks = [Check(f"check {number}", probe) for number in range(8)]
    found = survey.run_in_lanes(["a", "b"], checks, limit=5)
    assert (len(found.checks), found.status) == (8, "ok")
    assert {lane for lane, _thread in asked} == {"a", "b"}


def test_a_lane_that_hangs_leaves_its_check_unknown_and_the_rest_to_the_other() -> None:
    def probe(lane: str) -> Finding:
        if lane == "hangs":
            time.sleep(5)
        time.sleep(0.05)
        return Finding("x", "ok", "")

    checks = [Check(f"check {number}", probe) for number in range(4)]
    began = time.monotonic()
    found = survey.run_in_lanes(["hangs", "works"], checks, limit=0.8)
    assert sorted(finding.status for finding in found.checks) == ["ok", "ok", "ok", "unknown"]
    assert time.monotonic() - began < 2


def test_what_cannot_apply_is_told_and_counts_for_nothing() -> None:
    checks = [Check("fine", _fine), Check("replicas", lambda _chatai: Skipped("replicas", "There is none."))]
    found = survey.run(Installation(), checks)
    assert (found.status, found.skipped) == ("ok", [Skipped("replicas", "There is none.")])
