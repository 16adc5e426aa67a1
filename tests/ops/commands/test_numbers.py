"""A number that cannot be meant is a mistake on the command line: no bug, no error of the server."""

import importlib
import typing
from collections.abc import Iterator
from typing import Any

import pytest

from chatai_ops.app import Commands
from tests.servers.command import Command

ROOMS = ("db.activity", "db.condition", "db.space", "db.upkeep", "db.health", "db.provision", "db.backup", "migrate")


def numbers(room: str) -> Iterator[tuple[str, Any]]:
    """The numeric parameters of the commands in a module."""
    app: Commands = importlib.import_module(f"chatai_ops.commands.{room}").app
    for command in app._typer.registered_commands:
        assert command.callback is not None
        for name, annotation in command.callback.__annotations__.items():
            kind, *described = typing.get_args(annotation) or (annotation,)
            if {kind, *typing.get_args(kind)} & {int, float}:
                yield f"{command.name} {name}", described[0]


@pytest.mark.parametrize("room", ROOMS)
def test_every_number_has_bounds(room: str) -> None:
    for name, described in numbers(room):
        assert described.parser is not None or None not in {described.min, described.max}, name


@pytest.mark.parametrize(
    "words",
    [
        *(f"db {upkeep} --wait {wait}" for upkeep in ("vacuum", "analyze", "reindex") for wait in ("inf", "1e12")),
        "db vacuum --wait nan", "db wraparound -n 99999999999999999999", "db slow -n 99999999999999999999",
        "db activity -n 9223372036854775808", "db activity --watch=nan", "db activity --watch=inf",
        "db slow --over inf", "db slow --over nan", "db slow --min-calls 1e3", "db slow --min-calls 99999999999",
        "db unused-indexes --min-age -1", "db unused-indexes --min-age inf", "db unused-indexes --min-age 1e300",
        "db indexes --min-size 99999999999999999GB", f"db indexes --min-size {'9' * 400}",
        "db long --over inf", "db long --over 99999999999d", "db terminate 5 --wait inf", "db cancel 2147483648",
        "db reindex --maintenance-work-mem 99999999GB", "db reindex --maintenance-work-mem 1kB",
        f"db reindex --maintenance-work-mem {'9' * 5000}MB", "db log-slow 99999999999", "db log-slow inf",
        "migrate upgrade --wait inf", "migrate upgrade --lock-timeout nan", "migrate upgrade --lock-timeout 1e300",
        "migrate upgrade --attempts 99999999999", "migrate downgrade base --wait -1", "migrate stamp head --wait inf",
        "logs errors -n 99999999999999999999",
    ],
)  # fmt: skip
def test_a_number_that_cannot_be_meant_is_64(words: str, chatai: Command) -> None:
    ended = chatai(*words.split(), env={"DATABASE_URL": "postgresql://postgres@/chatai?host=/nowhere"})
    assert (ended.exit_code, ended.stdout) == (64, ""), ended


@pytest.mark.usefixtures("database_url")
def test_the_largest_that_is_taken_is_no_error(chatai: Command) -> None:
    for words in (
        "db wraparound -n 1000000000", "db activity -n 1000000000", "db long --over 999999999d", "db vacuum --wait 9",
        "db unused-indexes --min-age 1000000000", "db indexes --min-size 8388607TB", "migrate upgrade --wait 86400",
        "db reindex users --maintenance-work-mem 2047GB --wait 86400 --dry-run", "migrate upgrade --lock-timeout 86400",
    ):  # fmt: skip
        ended = chatai("--color", "never", *words.split())
        assert ended.exit_code == 0, (words, ended)
