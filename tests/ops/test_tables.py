"""Tables in pipes and on terminals."""

import pytest

from tests.ops.conftest import Process, without_colors


def test_a_pipe_gets_aligned_columns_without_colours_and_cropping(toys: Process) -> None:
    assert toys("list", env={"COLUMNS": "20"}).stdout.splitlines() == [
        "ID  Name     Size   Took  Share  Last used            Is active  Models  Token",
        " 1  bear  1.5 KiB  2.5 s   25 %  2025-09-04 10:00:00  yes        a, b    ********",
        "20  мяч   118 MiB      -  100 %  -                    no         -       -",
    ]


def test_one_object_is_pairs(toys: Process) -> None:
    assert toys("one", "bear").stdout.startswith("ID         1\nName       bear\nSize       1.5 KiB\n")


def test_a_terminal_gets_a_drawn_table(toys: Process) -> None:
    shown = toys.on_terminal("list", env={"COLUMNS": "100"}).stdout
    assert "\x1b[1m" in shown
    assert "─" in without_colors(shown)
    assert "20   мяч    118 MiB" in without_colors(shown)


def test_on_a_narrow_terminal_rows_stand_below_each_other(toys: Process) -> None:
    shown = without_colors(toys.on_terminal("list", env={"COLUMNS": "40"}).stdout)
    assert "Name       bear\n" in shown
    assert "\n\nID         20\n" in shown


@pytest.mark.parametrize("columns", [48, 49, 55, 60, 65, 68, 70])
def test_no_column_is_cropped_beside_one_that_cannot_become_narrower(toys: Process, columns: int) -> None:
    shown = without_colors(toys.on_terminal("long", env={"COLUMNS": str(columns)}).stdout)
    assert "n" * 22 in shown
    assert "3KiB" in shown
    assert max(map(len, shown.splitlines())) <= columns


def test_long_text_is_wrapped_on_a_terminal_and_nothing_is_lost(toys: Process) -> None:
    words = "word " * 60
    shown = without_colors(toys.on_terminal("values", "--revision", words).stdout)
    assert shown.split().count("word") == 60
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"NO_COLOR": "1", "FORCE_COLOR": ""}])
def test_no_color_leaves_lines_but_no_colours(toys: Process, env: dict[str, str]) -> None:
    shown = toys.on_terminal("survey", "critical", env=env).stdout
    assert "\x1b[31m" not in shown
    assert "\x1b[1;31m" not in shown


def test_color_is_chosen_by_the_option(toys: Process) -> None:
    assert "\x1b[1;31m" in toys("survey", "critical", "--color", "always", env={"TERM": "xterm"}).stdout
    assert "\x1b[1;31m" in toys.on_terminal("survey", "critical").stdout
    assert "\x1b[1;31m" not in toys.on_terminal("survey", "critical", "--color", "never").stdout
    assert "\x1b" not in toys("survey", "critical", "--color", "auto").stdout


def test_a_dumb_terminal_gets_plain_text(toys: Process) -> None:
    assert toys.on_terminal("list", env={"TERM": "dumb"}).stdout == toys("list").stdout


def test_a_terminal_without_unicode_gets_lines_of_ascii(toys: Process) -> None:
    shown = toys.on_terminal("list", env={"PYTHONIOENCODING": "ascii", "COLUMNS": "100"}).stdout
    assert shown.isascii()


def test_a_value_cannot_command_the_terminal(toys: Process) -> None:
    assert "a\\x1b[31mb" in toys("harmful").stdout
    assert "\x1b[31m" not in toys.on_terminal("harmful").stdout
    assert "\\u202e" in toys.on_terminal("harmful").stdout


def test_a_plain_value_is_a_line(toys: Process) -> None:
    assert toys("text", "a", "b").stdout == "a b\n"
    assert toys("text", "a", "b", "--json").stdout == '"a b"\n'
