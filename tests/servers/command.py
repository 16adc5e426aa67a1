"""The installed command, run as an operator runs it."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

PROGRAM = Path(sys.executable).with_name("chatai")


@dataclass(frozen=True, slots=True)
class Ended:
    """What a process left behind."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """Its standard output, read as JSON."""
        return json.loads(self.stdout)


@dataclass(frozen=True, slots=True)
class Command:
    """``chatai("tokens", "list")``: run it to its end. ``env`` is added to the environment of the test.

    ``before`` stands before the command, as ``setpriv`` does.
    """

    environment: dict[str, str]
    directory: Path
    before: tuple[str, ...] = ()

    def without(self, *names: str) -> "Command":
        """The same without these variables in its environment."""
        return replace(self, environment={k: v for k, v in self.environment.items() if k not in names})

    def __call__(
        self, *arguments: str | Path, env: Mapping[str, str] | None = None, stdin: str = "", timeout: float = 60
    ) -> Ended:
        done = subprocess.run(
            [*self.before, PROGRAM, *map(str, arguments)],
            input=stdin.encode(),
            capture_output=True,
            env={**self.environment, **(env or {})},
            cwd=self.directory,
            timeout=timeout,
            check=False,
        )
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())
