"""Starting fast: who only asks for help or the version does not wait for what a server needs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SERVERS = {
    "sqlalchemy",
    "fastapi",
    "alembic",
    "openai",
    "telegram",
    "httpx",
    "redis",
    "psycopg2",
    "uvicorn",
    "starlette",
}
LIBRARIES = {
    "pydantic",
    "rich",
    "cryptography",
    "asyncio",
    "aiohttp",
    "msgspec",
    "dotenv",
    "psutil",
    "numpy",
    "logging",
}


# At its end the process says what it has loaded.
PROGRAM = """
import atexit, sys
atexit.register(lambda: sys.stderr.write("\\n".join(sys.modules)))
from chatai_ops.main import main
main()
"""


def imported(*arguments: str, home: Path) -> set[str]:
    """Every module that the command has imported."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        env={"PATH": os.environ["PATH"], "CHATAI_HOME": str(home), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=True,
        cwd=home,
    )
    return set(done.stderr.splitlines())


def packages(modules: set[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}


def commands(modules: set[str]) -> set[str]:
    return {module for module in modules if module.startswith("chatai_ops.commands.")}


@pytest.mark.parametrize("arguments", [["--help"], []])
def test_help_imports_no_server_no_library_and_no_command(arguments: list[str], home: Path) -> None:
    modules = imported(*arguments, home=home)
    assert packages(modules) & (SERVERS | LIBRARIES) == set()
    assert commands(modules) == set()


def test_the_version_does_not_even_import_typer(home: Path) -> None:
    modules = imported("--version", home=home)
    assert packages(modules) & {"typer", "typing", "re", "pathlib"} == set()
    assert {module for module in modules if module.startswith("chatai_")} == {
        "chatai_core",
        "chatai_ops",
        "chatai_ops.main",
        "chatai_ops.streams",
    }


@pytest.mark.parametrize(
    "name", ["serve", "demo", "tokens", "bots", "users", "db", "logs", "migrate", "config", "init"]
)
def test_a_groups_help_imports_its_own_module_and_no_server(name: str, home: Path) -> None:
    modules = imported(name, "--help", home=home)
    assert {module.split(".")[2] for module in commands(modules)} == {name}
    reports = {module for module in modules if module.startswith("chatai_core.database.")}
    assert reports <= {f"chatai_core.database.{package}" for package in ("upkeep", "ending", "setup")}  # empty packages
    assert packages(modules) & {"sqlalchemy", "fastapi", "alembic", "openai", "telegram", "pydantic"} == set()


def test_settings_need_no_server(home: Path) -> None:
    modules = imported("config", "show", home=home)
    assert commands(modules) == {"chatai_ops.commands.config"}
    assert packages(modules) & (SERVERS - {"psycopg2"} | {"pydantic", "rich", "asyncio", "aiohttp"}) == set()
