"""Processes of this machine, through psutil."""

import shlex
import socket
from dataclasses import dataclass
from pathlib import Path

_LONGEST_PROGRAM = 80
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104  compared, not bound
_WELL_KNOWN = {"localhost": "127.0.0.1"}


@dataclass(frozen=True, slots=True)
class Holder:
    """Who listens on a port; a text is empty where the system does not tell."""

    pid: int
    program: str
    user: str


def holder(port: int, host: str = "") -> Holder | None:
    """Who listens on a TCP port, at this address or at any; None when nobody does, or it is not to be seen."""
    import psutil  # 20 ms, and most commands never ask

    wanted = {_WELL_KNOWN.get(host, host), *_EVERYWHERE}
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:  # macOS shows them to root alone
        return None
    for found in connections:
        if found.status != psutil.CONN_LISTEN or not found.laddr or found.pid is None:
            continue
        if found.laddr.port == port and (host in {"", *_EVERYWHERE} or found.laddr.ip in wanted):
            return _described(found.pid)
    return None


def _described(pid: int) -> Holder | None:
    import psutil

    try:
        process = psutil.Process(pid)
        with process.oneshot():
            return Holder(pid, _shortened(process.cmdline() or [process.name()]), process.username())
    except psutil.AccessDenied:
        return Holder(pid, "", "")
    except psutil.NoSuchProcess:
        return None


def _shortened(arguments: list[str]) -> str:
    program = shlex.join([Path(arguments[0]).name, *arguments[1:]])
    return program if len(program) <= _LONGEST_PROGRAM else program[: _LONGEST_PROGRAM - 1] + "…"


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port on which nobody listens at this moment."""
    with socket.socket() as listener:
        listener.bind((host, 0))
        return int(listener.getsockname()[1])


def started(pid: int) -> float | None:
    """When a process was started, in seconds since the epoch; None when there is none."""
    import psutil

    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def alive(pid: int, started: float | None) -> bool:
    """Whether the process that was started at this time still runs; without the time, whether any has this number."""
    import psutil

    try:
        process = psutil.Process(pid)
        same = started is None or abs(process.create_time() - started) < 0.5
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def working_directory(pid: int) -> Path | None:
    """Where a process works; None when there is no such process or it is not to be seen."""
    import psutil

    try:
        return Path(psutil.Process(pid).cwd())
    except psutil.Error:
        return None


def memory_available() -> int:
    """Bytes of this machine's memory that can be had without swapping."""
    import psutil

    return int(psutil.virtual_memory().available)
