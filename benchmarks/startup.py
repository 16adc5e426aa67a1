"""How long a command takes that has nearly nothing to do."""

import compileall
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from benchmarks import peers
from benchmarks.processes import Program, timed
from benchmarks.report import Bar, Chapter, Row

ROOT = Path(__file__).parents[1]
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
    chatai = str(_compiled(directory / "ours"))
    with _servers(directory / "home") as environment:
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


def _compiled(directory: Path) -> Path:
    """A copy of our packages with their bytecode, and the command as pip writes it."""
    shutil.rmtree(directory, ignore_errors=True)
    for package in ("chatai_core", "chatai_ops", "alembic"):
        shutil.copytree(ROOT / package, directory / package, ignore=shutil.ignore_patterns("__pycache__"))
    compileall.compile_dir(directory, quiet=1)
    command = directory / "chatai"
    command.write_text(f"#!{sys.executable}\nimport sys\nfrom chatai_ops.main import main\nsys.exit(main())\n")
    command.chmod(0o755)
    return command


@contextmanager
def _servers(home: Path) -> Iterator[dict[str, str]]:
    """The environment in which PostgreSQL and Valkey run, with our tables in them, and a short log."""
    from chatai_core import migrations
    from chatai_core.adapters import embedded

    logs = home / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    (logs / "api.log").write_text(_log())
    home.chmod(0o755)
    lease = embedded.acquire(home, postgres=True, valkey=True)
    try:
        migrations.upgrade(lease.database_url)
        yield {
            **{name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
            "DATABASE_URL": lease.database_url,
            "REDIS_URL": lease.redis_url,
            "CHATAI_HOME": str(home),
            "CHATAI_LOG_DIR": str(logs),
        }
    finally:
        lease.release()


def _log() -> str:
    """Ten thousand records, an error with its traceback in every hundred."""
    time = "2025-09-04 10:00:00,{:03d}"
    access = f"{time} - api.access - INFO - /api/dialogs GET 200 user=1 ip=127.0.0.1 request_id=r{{}} duration=12ms\n"
    trace = 'Traceback (most recent call last):\n  File "reply.py", line 1, in reply\nValueError: no\n'
    error = f"{time} - chatai_core.chat - ERROR - no reply for bot {{}}\n{trace}"
    return "".join((access if n % 100 else error).format(n % 1000, n) for n in range(10_000))
