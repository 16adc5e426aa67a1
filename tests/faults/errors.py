"""How a fault is told: what, why, what to type next on stderr, or one JSON object; nothing on stdout; the exit code."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from tests.servers.command import Command, Ended
from tests.servers.secured import PASSWORD

# What is misspelt or missing is seen from the first line alone; what cannot be used has no better command.
_WITHOUT_WHY, _WITHOUT_HINT = {64, 66}, {64, 65}


@dataclass(frozen=True, slots=True)
class Refusal:
    """The three parts of an error."""

    what: str
    why: str
    hint: str


def refused(chatai: Command, line: str, code: int, env: Mapping[str, str] | None = None) -> Refusal:
    """Run a command line that fails; the error that a person, or with --json a program, is told."""
    ended = chatai(*line.split(), env=env)
    return (read_json if "--json" in line else read)(ended, code)


def read(ended: Ended, code: int) -> Refusal:
    """The error that a person reads."""
    assert (ended.exit_code, ended.stdout) == (code, ""), ended
    assert PASSWORD not in ended.stderr
    what, *rest = ended.stderr.splitlines()
    hint = rest.pop().removeprefix("  ") if rest and rest[-1].startswith("  ") else ""
    why = rest.pop() if rest else ""
    assert what.startswith("Error: ") and rest == [], ended.stderr
    assert (why or code in _WITHOUT_WHY) and (hint or code in _WITHOUT_HINT), ended.stderr
    return Refusal(what.removeprefix("Error: "), why, hint)


def read_json(ended: Ended, code: int) -> Refusal:
    """The error that a program reads."""
    assert (ended.exit_code, ended.stdout) == (code, ""), ended
    assert PASSWORD not in ended.stderr
    error = json.loads(ended.stderr)
    assert error["exit_code"] == code
    return Refusal(error["what"], error["why"] or "", error["hint"] or "")
