"""Commands that exist only to try the framework: run as a process, ``python tests/ops/toys.py …``."""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from chatai_core import errors
from chatai_core.adapters import command
from chatai_core.findings import Finding, Rows, Status, Survey, worst
from chatai_core.plans import Plan
from chatai_core.settings import Secret
from chatai_core.units import Bytes, Percent, Seconds
from chatai_ops import ask, main, options, root
from chatai_ops.app import Commands
from chatai_ops.ask import Planned

app = Commands("Toys [for tests].")


@dataclass(frozen=True, slots=True)
class Toy:
    """A row with one of everything."""

    id: int
    name: str
    size: Bytes
    took: Seconds | None
    share: Percent
    last_used: datetime | None
    is_active: bool
    models: list[str]
    token: Secret | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A row that says itself how it is read."""

    number: int

    def __str__(self) -> str:
        return f"line number {self.number}"


BEAR = Toy(1, "bear", 1536, 2.5, 0.25, datetime(2025, 9, 4, 10, tzinfo=UTC), True, ["a", "b"], Secret("hidden"))
BALL = Toy(20, "мяч", 123456789, None, 1.0, None, False, [])


class Taste(StrEnum):
    SWEET = "sweet"
    SOUR = "sour"


@app.command("list", empty="There are no toys.", examples=["toys list --json", "toys list [x]"])
def list_(chatai: Any, limit: options.Limit = 20) -> list[Toy]:
    """Toys in the box [all].

    A second paragraph.
    """
    return [BEAR, BALL][:limit]


@app.command(empty="There are no toys.")
def none(chatai: Any) -> list[Toy]:
    """No toys."""
    return []


@app.command()
def nowhere(chatai: Any) -> "Rows[Toy] | Planned[Rows[Line]]":
    """No toys; what it returns is quoted."""
    return Rows([])


@app.command()
def long(chatai: Any) -> list[dict[str, str]]:
    """A column that cannot become narrower beside some that can."""
    return [{"name": "n" * 22, "size of table": "1 KiB", "size of index": "2 KiB", "size in all": "3KiB"}]


@app.command()
def one(chatai: Any, name: str) -> Toy:
    """One toy."""
    if name != "bear":
        raise errors.NotFound("There is no toy.", why="The box was looked through.", hint="toys list")
    return BEAR


@app.command()
def text(chatai: Any, words: list[str]) -> str:
    """Words."""
    return " ".join(words)


@app.command()
def stream(chatai: Any, count: int = 3, pause: float = 0.0, plain: bool = False) -> Iterator[Toy | Line]:
    """Rows as they come."""
    for number in range(count):
        yield BEAR if plain else Line(number)
        time.sleep(pause)


@app.command()
def harmful(chatai: Any) -> list[dict[str, str]]:
    """A value that a terminal would obey."""
    return [{"name": "a\x1b[31mb\nc\u202ed"}]


@app.command()
def survey(chatai: Any, statuses: list[str]) -> Survey:
    """A verdict."""
    checks = [Finding(f"check {n}", _status(s), f"It is {s}.", {}, "chatai repair") for n, s in enumerate(statuses)]
    return Survey(worst(checks), checks, 0.1)


def _status(text: str) -> Status:
    return text  # type: ignore[return-value]


@app.command()
def fail(chatai: Any, kind: str) -> None:
    """Fail in one of the ways."""
    raise getattr(errors, kind)("What happened.", why="Why it did.", hint="chatai do this")


@app.command()
def bug(chatai: Any, word: str = "x") -> None:
    """A bug."""
    raise KeyError(f"{word} postgresql://u:pw-of-mine@h/d sk-abcdefghijkl 123456789:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")


@app.command()
def wait(chatai: Any, seconds: float = 30, cleaning: float = 0) -> None:
    """Wait."""
    try:
        print("waiting", file=sys.stderr, flush=True)
        time.sleep(seconds)
    finally:
        if cleaning:
            print("cleaning", file=sys.stderr, flush=True)
            time.sleep(cleaning)
            print("clean", file=sys.stderr, flush=True)


@app.command()
def started(chatai: Any) -> str:
    """Which signals end a program that is started."""
    names = "'SIGINT', 'SIGTERM', 'SIGHUP'"
    program = (
        f"import json, signal as s; print(json.dumps({{n: s.getsignal(s.Signals[n]) != s.SIG_IGN for n in [{names}]}}))"
    )
    return command.run([sys.executable, "-c", program]).stdout


@app.command()
def clock(chatai: Any) -> str:
    """The time."""
    return f"{time.time()}"


@app.command(changes=True)
def break_(chatai: Any, name: str, asks: bool = False, severe: bool = False) -> Planned[Toy]:
    """Break a toy."""
    if name != "bear":
        raise errors.NotFound("There is no toy.")
    plan = Plan("Break the bear.", ["Take it.", "Break it."])
    return Planned(plan, _broken, asks=asks, name=name if severe else None)


def _broken() -> Toy:
    Path("broken").touch()
    return BEAR


@app.command()
def secret(chatai: Any, stdin: options.TokenStdin = False, file: options.TokenFile = None, repeat: bool = False) -> int:
    """The length of a secret."""
    return len(ask.secret("Token", stdin=stdin, file=file, repeat=repeat))


@app.command()
def values(
    chatai: Any,
    revision: str = "0",
    number: Annotated[int, typer.Option("--number", "-n", min=1, max=9)] = 3,
    taste: Taste = Taste.SWEET,
    color: Annotated[Literal["red", "green"], typer.Option("--paint")] = "red",
    since: options.Since = None,
    many: list[int] | None = None,
    path: Path | None = None,
    flag: bool = True,
) -> dict[str, Any]:
    """Every type of value."""
    return {k: v for k, v in locals().items() if k != "chatai"}


@app.command()
def go(chatai: Any, revision: str, number: int = 0) -> str:
    """A revision, which may be negative."""
    return f"{revision} {number}"


@app.command()
def settings(chatai: Any) -> str:
    """A setting, which may be broken."""
    return f"{chatai.settings.server.port}"


if __name__ == "__main__":
    sys.exit(main.guarded(lambda words: root.run(words, app.parsed()), sys.argv[1:]))
