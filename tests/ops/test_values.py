"""What stands on the command line becomes a value."""

import pytest

from tests.ops.conftest import Process


def test_every_type_is_converted(toys: Process) -> None:
    words = "--number 9 --taste sour --paint green --many 1 --many 2 --path a/b --no-flag --since 2025-09-04T10:00Z"
    assert toys("values", "--json", *words.split()).json == {
        "revision": "0",
        "number": 9,
        "taste": "sour",
        "color": "green",
        "since": "2025-09-04T10:00:00+00:00",
        "many": [1, 2],
        "path": "a/b",
        "flag": False,
    }


def test_defaults_are_left_alone(toys: Process) -> None:
    assert toys("values", "--json").json["many"] is None


@pytest.mark.parametrize(
    ("words", "sentences"),
    [
        ("--taste sor", ["--taste cannot be 'sor'.", "Did you mean sour? It is one of sweet, sour."]),
        ("--paint blue", ["--paint cannot be 'blue'.", "It is one of red, green."]),
        ("-n 10", ["--number cannot be '10'.", "It is at most 9."]),
        ("-n 0", ["--number cannot be '0'.", "It is at least 1."]),
        ("-n many", ["--number cannot be 'many'.", "It is a whole number."]),
        ("--since soon", ["'soon' is not a moment in time."]),
        ("--many", ["--many needs a value."]),
        ("--taste", ["--taste needs a value."]),
        ("--since=", ["'' is not a moment in time."]),
        ("--json=yes", ["--json takes no value.", " values --help"]),
        ("extra", ["This is more than the command takes: extra."]),
    ],
)
def test_a_wrong_value_is_answered_with_the_right_ones(toys: Process, words: str, sentences: list[str]) -> None:
    ended = toys("values", *words.split())
    assert (ended.exit_code, ended.stdout) == (64, "")
    for sentence in sentences:
        assert sentence in ended.stderr


def test_a_missing_argument_is_named(toys: Process) -> None:
    assert toys("one").stderr.splitlines()[0] == "Error: NAME is missing."


@pytest.mark.parametrize(
    ("words", "shown"),
    [("-1", "-1 0"), ("+1", "+1 0"), ("--number -3 -1", "-1 -3"), ("-1 --number=2", "-1 2"), ("-- -1", "-1 0")],
)
def test_negative_numbers_are_values(toys: Process, words: str, shown: str) -> None:
    assert toys("go", *words.split()).stdout == f"{shown}\n"


def test_no_command_pays_for_pydantic(toys: Process) -> None:
    program = [toys.program[0], "-X", "importtime", toys.program[1]]
    ended = Process(program, toys.environment, toys.directory)("values", "-n", "2", "--taste", "sour")
    assert "typer.main" in ended.stderr
    assert "pydantic" not in ended.stderr
