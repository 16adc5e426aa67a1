"""What a command line asks for, read without the parser: errors of the parser keep to it too."""

import pytest

from chatai_ops.look import asked_form


@pytest.mark.parametrize(
    ("line", "form"),
    [
        ("tokens list", "table"),
        ("tokens list --json", "json"),
        ("tokens list -o json", "json"),
        ("tokens list -ojson", "json"),
        ("tokens list --output jsonl", "jsonl"),
        ("tokens list --output=csv", "csv"),
        ("--json tokens list", "json"),
        ("tokens list --json -o csv", "json"),
        ("migrate check -o nagios", "nagios"),
        ("migrate check -o json -o nagios", "nagios"),
        ("logs search -- --json", "table"),
        ("logs search --jsonx", "table"),
        ("", "table"),
    ],
)
def test_the_form_of_a_command_line(line: str, form: str) -> None:
    assert asked_form(line.split()) == form
