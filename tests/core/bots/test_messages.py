import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatai_core.bots.messages import LIMIT, split


def test_a_short_text_stays_one_message() -> None:
    assert split("Hello. How are you?") == ["Hello. How are you?"]


def test_nothing_is_no_message() -> None:
    assert split(" \n ") == []


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("First part.\n\nSecond part. More.", ["First part.", "Second part. More."]),
        ("First sentence. Second one. Third.", ["First sentence.", "Second one. Third."]),
        ("words without any end at all here", ["words without any", "end at all here"]),
        ("x" * 45, ["x" * 20, "x" * 20, "x" * 5]),
    ],
)
def test_a_long_text_is_cut_at_the_best_border(text: str, pieces: list[str]) -> None:
    assert split(text, 20) == pieces


def test_telegram_counts_an_emoji_as_two() -> None:
    assert list(map(len, split("😀" * 5000))) == [LIMIT // 2, LIMIT // 2, 5000 - LIMIT]


@given(st.text(), st.integers(min_value=2, max_value=50))
def test_pieces_fit_and_lose_nothing_but_blanks(text: str, limit: int) -> None:
    pieces = split(text, limit)
    assert all(0 < len(piece.encode("utf-16-le", "surrogatepass")) // 2 <= limit for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())
