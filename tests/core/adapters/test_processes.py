"""Processes as the machine shows them."""

import getpass
import os
import socket
import subprocess
import sys
import time

import pytest

from chatai_core.adapters import processes


def test_who_listens_on_a_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = processes.holder(server.getsockname()[1])
    assert found is not None
    assert found.pid == os.getpid()
    assert found.user == getpass.getuser()
    assert "python" in found.program or "pytest" in found.program
    assert len(found.program) <= 80


def test_nobody_listens_on_a_free_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert processes.holder(port) is None


@pytest.mark.parametrize(
    ("bound", "asked", "is_found"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "localhost", True),
        ("127.0.0.1", "0.0.0.0", True),
        ("0.0.0.0", "127.0.0.1", True),
        ("127.0.0.2", "127.0.0.1", False),
    ],
)
def test_an_address_is_taken_into_account(bound: str, asked: str, is_found: bool) -> None:
    with socket.create_server((bound, 0)) as server:
        assert (processes.holder(server.getsockname()[1], asked) is not None) is is_found


def test_a_process_is_alive_only_under_its_own_start_time() -> None:
    pid = os.getpid()
    started = processes.started(pid)
    assert started is not None
    assert abs(started - time.time()) < 3600
    assert processes.alive(pid, started)
    assert not processes.alive(pid, started - 60)


def test_a_process_that_ended_is_not_alive_not_even_as_a_zombie() -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"], stdout=subprocess.PIPE) as child:
        started = processes.started(child.pid)
        assert child.stdout is not None
        child.stdout.read()
        deadline = time.monotonic() + 5
        while processes.alive(child.pid, started) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not processes.alive(child.pid, started)
    assert processes.started(child.pid) is None
    assert processes.working_directory(child.pid) is None
