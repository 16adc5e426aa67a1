"""The simulators as a program and as a package."""

import json
import signal
import socket
import subprocess
import sys

import pytest

from chatai_core import simulators

PROGRAM = [sys.executable, "-m", "chatai_core.simulators"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_program_prints_its_addresses_and_ends_when_told(number: signal.Signals) -> None:
    with subprocess.Popen(PROGRAM, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        addresses = json.loads(process.stdout.readline())
        pair = simulators.at(**addresses)
        pair.telegram.add_bot("1:x")
        assert pair.telegram.say("1:x", 5, "hello") is not None
        assert pair.openai.url.endswith("/v1")
        process.send_signal(number)
        assert process.communicate(timeout=20) == ("", "")
    assert process.returncode == 0


def test_a_taken_port_is_said_in_three_lines() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run([*PROGRAM, "--openai-port", str(port)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (75, "")
    assert done.stderr.splitlines()[0] == f"The simulator cannot listen on 127.0.0.1:{port}."
    assert len(done.stderr.splitlines()) == 3


def test_importing_the_package_loads_no_server() -> None:
    code = "import sys, chatai_core.simulators; print({'aiohttp', 'msgspec', 'asyncio'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "set()"


def test_simulators_run_beside_each_other_and_leave_nothing_behind() -> None:
    with simulators.running(openai=False) as one, simulators.running(openai=False) as other:
        one.telegram.add_bot("1:x")
        assert other.telegram.ask("GET", "bots") == []
    with pytest.raises(ConnectionRefusedError):
        one.telegram.ask("GET", "bots")
