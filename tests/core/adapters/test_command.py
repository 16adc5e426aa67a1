"""Programs: their output, their failures, their end; no secrets in what is said."""

import os
import signal
import time
from pathlib import Path

import pytest

from chatai_core.adapters import command
from chatai_core.errors import Busy, ProgramFailed, Unavailable


def test_output_is_returned() -> None:
    assert command.run(["printf", "a b"]).stdout == "a b"


def test_input_and_environment_are_handed_over() -> None:
    done = command.run(["sh", "-c", 'cat; printf "%s" "$EXTRA"'], stdin=b"in-", env={"EXTRA": "env"})
    assert done.stdout == "in-env"


def test_a_failure_carries_the_programs_last_words() -> None:
    with pytest.raises(ProgramFailed, match="sh failed with code 3") as caught:
        command.run(["sh", "-c", "echo no such luck >&2; exit 3"])
    assert caught.value.why == "no such luck"


def test_a_password_in_a_url_is_masked_in_the_reason() -> None:
    with pytest.raises(ProgramFailed) as caught:
        command.run(["sh", "-c", "echo postgresql://u:hush@h/d >&2; exit 1"])
    assert "hush" not in str(caught.value)


def test_a_missing_program_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="no-such-program"):
        command.run(["no-such-program"])


def test_a_program_that_takes_too_long_is_ended() -> None:
    with pytest.raises(Busy, match=r"0\.2 seconds"):
        command.run(["sleep", "10"], timeout=0.2)


def test_a_stream_is_read_as_it_comes() -> None:
    with command.reading(["sh", "-c", "echo one; echo two"]) as stream:
        assert stream.read() == b"one\ntwo\n"


def test_a_stream_that_breaks_raises_at_the_end() -> None:
    with (
        pytest.raises(ProgramFailed, match="code 4"),
        command.reading(["sh", "-c", "echo half; exit 4"]) as stream,
    ):
        stream.read()


def test_leaving_a_stream_early_ends_the_program() -> None:
    began = time.monotonic()
    with pytest.raises(KeyError), command.reading(["sleep", "30"]):
        raise KeyError
    assert time.monotonic() - began < 3


def test_writing_reaches_the_program_and_its_failure_is_raised(tmp_path: Path) -> None:
    with command.writing(["sh", "-c", f"cat > '{tmp_path}/x'"]) as stream:
        stream.write(b"data")
    assert (tmp_path / "x").read_bytes() == b"data"
    with pytest.raises(ProgramFailed), command.writing(["false"]) as stream:
        for _ in range(1000):
            stream.write(b"x" * 1000)


def test_a_child_is_stopped_and_its_code_known(tmp_path: Path) -> None:
    child = command.start(["sleep", "30"], output=tmp_path / "log")
    assert child.code is None
    assert child.stop() == -signal.SIGTERM


def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    child = command.start(
        ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"], output=tmp_path / "log"
    )
    deadline = time.monotonic() + 5
    while b"ready" not in (tmp_path / "log").read_bytes() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert child.stop(grace=0.2) == -signal.SIGKILL


def test_a_detached_child_has_a_session_of_its_own() -> None:
    child = command.start(["sleep", "30"], detached=True)
    try:
        assert os.getsid(child.pid) == child.pid
    finally:
        child.stop()
