"""`chatai db backup`, run as an operator runs it."""

import shlex
import subprocess
from pathlib import Path

from tests.servers.command import Command


def test_explain_shows_the_program_without_the_password_and_runs_nothing(
    database_url: str, chatai: Command, home: Path
) -> None:
    url = {"DATABASE_URL": database_url.replace("postgres@", "postgres:topSECRET@")}
    assert "topSECRET" in url["DATABASE_URL"]
    shown = chatai("db", "backup", "--explain", env=url)
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert "SECRET" not in shown.stdout and not list(home.rglob("*.dump*"))
    program, *words = shlex.split(shown.stdout.rstrip().removesuffix(";"))
    assert Path(program).name == "pg_dump"
    done = subprocess.run([program, *words], env=chatai.environment, capture_output=True, check=True)
    assert done.stdout.startswith(b"PGDMP")
    planned = chatai("db", "backup", "--dry-run", "--json", env=url)
    assert planned.json["statements"] == [shown.stdout.rstrip().removesuffix(";")]
    assert "SECRET" not in planned.stdout
