"""How long a command takes that has nearly nothing to do."""

import sys
from importlib.util import find_spec
from pathlib import Path

from benchmarks import ours, peers
from benchmarks.processes import Program, timed
from benchmarks.report import Bar, Chapter, Row

PYTHON, TYPER = "python -c pass", "python -c 'import typer'"
BARS = {
    "chatai --version": Bar(3, PYTHON),
    "chatai --help": Bar(1.6, TYPER),
    "chatai --help on a terminal": Bar(2.6, TYPER),
    "chatai db tables": Bar(180),
    "chatai tokens list": Bar(400),
    "chatai logs errors": Bar(200),
}
# The package and the command that it brings.
PEERS = {
    "pg_activity[psycopg]": "pg_activity",
    "httpie": "http",
    "alembic": "alembic",
    "celery": "celery",
    "flask": "flask",
    "datasette": "datasette",
    "pgcli": "pgcli",
    "borgmatic": "borgmatic",
}
STORY = """\
Each program is started, does its work and ends; the median of nine runs after two that warm up, the programs taking
turns. Bytecode is compiled for all of them. The database and the logs hold little: this is what one waits for before
the work begins. Not compared here: superset and litellm, whose installations take gigabytes; measured once on this
kind of machine, their `--help` took 2,066 and 2,943 ms, where alembic's took 293."""


def measure(directory: Path) -> Chapter:
    """Measure in a directory that may be thrown away; the peers in it are used again when they are there."""
    commands = peers.installed(directory / "peers", list(PEERS))
    chatai = str(ours.compiled(directory / "ours"))
    with ours.servers(directory / "home") as environment:
        programs = {
            PYTHON: Program([sys.executable, "-c", "pass"]),
            TYPER: Program([sys.executable, "-c", "import typer"]),
            **{name: _ours(chatai, name, environment) for name in BARS if not _absent(name)},
            **{f"{command} --help": _peer(commands / command) for command in PEERS.values()},
        }
        runs = timed(programs, directory)
    names = list(dict.fromkeys([PYTHON, TYPER, *BARS, *runs]))
    return Chapter("Start-up", STORY, [Row(n, runs.get(n, []), BARS.get(n), _absent(n)) for n in names])


def _ours(chatai: str, name: str, environment: dict[str, str]) -> Program:
    words, terminal, _rest = name.partition(" on a terminal")
    return Program([chatai, *words.split()[1:]], environment, terminal=bool(terminal))


def _peer(command: Path) -> Program:
    return Program([str(command), "--help"], exit_code=1 if command.name == "pg_activity" else 0)


def _absent(name: str) -> str:
    """Why a row cannot be measured yet; empty when it can."""
    words = name.split()
    is_group = words[0] == "chatai" and not words[1].startswith("-")
    if is_group and find_spec(f"chatai_ops.commands.{words[1]}") is None:
        return f"`chatai {words[1]}` does not exist yet"
    return ""
