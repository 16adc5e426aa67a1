"""Whole processes, timed from the start of the program to its end."""

import os
import pty
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROUNDS, WARM_UP = 9, 2


@dataclass(frozen=True, slots=True)
class Program:
    """What is run: its words, what is added to the environment, whether it sees a terminal, how it ends.

    ``any_verdict``: a check may say ok, warning or critical, but not that it could not find out.
    """

    words: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    terminal: bool = False
    exit_code: int = 0
    any_verdict: bool = False


def timed(programs: Mapping[str, Program], directory: Path) -> dict[str, list[float]]:
    """The milliseconds of each run, by name; one run of each after the other, so that all share the same weather."""
    runs: dict[str, list[float]] = {name: [] for name in programs}
    for number in range(WARM_UP + ROUNDS):
        for name, program in programs.items():
            milliseconds = _milliseconds(program, directory)
            if number >= WARM_UP:
                runs[name].append(milliseconds)
    return runs


def _milliseconds(program: Program, directory: Path) -> float:
    # Without this variable Python keeps the bytecode of what it imports, as after every ordinary installation; the
    # first of the warm-up runs writes it.
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    run: Callable[[Program, dict[str, str], Path], int] = _on_terminal if program.terminal else _piped
    begun = time.perf_counter()
    code = run(program, {**clean, "COLUMNS": "100", **program.environment}, directory)
    ended = time.perf_counter()
    expected = {0, 1, 2} if program.any_verdict else {program.exit_code}
    assert code in expected, f"{' '.join(program.words)} ended with {code}."
    return (ended - begun) * 1000


def _piped(program: Program, environment: dict[str, str], directory: Path) -> int:
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.run(program.words, env=environment, cwd=directory, check=False, **quiet).returncode  # type: ignore[call-overload, no-any-return]


def _on_terminal(program: Program, environment: dict[str, str], directory: Path) -> int:
    main, side = pty.openpty()
    environment = {"TERM": "xterm-256color", **environment}
    process = subprocess.Popen(program.words, stdin=side, stdout=side, stderr=side, env=environment, cwd=directory)
    os.close(side)
    try:
        while os.read(main, 65536):
            pass
    except OSError:  # Linux says so when the last program has left the terminal
        pass
    os.close(main)
    return process.wait()
