"""The bars of the benchmarks say kept or missed, and never for what was not measured."""

from pathlib import Path

from benchmarks.processes import ROUNDS, Program, timed
from benchmarks.report import Bar, Chapter, Row

BASE = Row("base", [10.0, 11.0, 12.0])


def chapter(*rows: Row) -> Chapter:
    return Chapter("Title", "Story.", [BASE, *rows])


def test_a_bar_is_milliseconds_or_times_another_row() -> None:
    kept = Row("kept", [21.0, 22.0, 90.0], Bar(2, "base"))
    missed = Row("missed", [23.0, 23.0, 23.0], Bar(2, "base"))
    late = Row("late", [101.0], Bar(100))
    assert chapter(kept, missed, late).missed() == ["missed", "late"]


def test_a_row_that_was_skipped_says_why() -> None:
    skipped = chapter(Row("later", bar=Bar(100), skipped="does not exist yet"))
    assert skipped.missed() == []
    assert "| `later` | skipped | | | ≤ 100 ms | does not exist yet |" in skipped.page()


def test_the_median_stands_in_the_page_with_its_ratio() -> None:
    assert (
        "| `x` | 22 | 21 | 2.0 | ≤ 3 × `base` | kept |" in chapter(Row("x", [21.0, 22.0, 90.0], Bar(3, "base"))).page()
    )


def test_programs_take_turns(tmp_path: Path) -> None:
    order = tmp_path / "order"
    programs = {name: Program(["/bin/sh", "-c", f"echo {name} >> {order}"]) for name in "ab"}
    runs = timed(programs, tmp_path)
    assert [len(runs[name]) for name in "ab"] == [ROUNDS, ROUNDS]
    assert order.read_text().split()[:4] == ["a", "b", "a", "b"]


def test_a_program_may_see_a_terminal(tmp_path: Path) -> None:
    timed({"tty": Program(["/bin/sh", "-c", "test -t 1"], terminal=True)}, tmp_path)
    timed({"pipe": Program(["/bin/sh", "-c", "test ! -t 1"])}, tmp_path)
