import json
import re

from hypothesis import given
from hypothesis import strategies as st

from chatai_core.journal.characters import name, neutralise, neutralise_json, neutralise_lines, whole, word

DANGEROUS = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
anything = st.text(st.characters())  # with surrogates and controls


def test_a_newline_and_an_escape_sequence_become_visible() -> None:
    assert neutralise("a\nb\r\x1b[2J\x00\x9b\u2028\u202e") == r"a\nb\r\x1b[2J\x00\x9b\u2028\u202e"


def test_letters_of_any_language_and_emoji_stay() -> None:
    text = "Привет\u00a0мир, 你好 👨\u200d👩\u200d👧 tab\there"
    assert neutralise(text) == text


@given(anything)
def test_what_is_neutralised_is_one_line_without_controls(text: str) -> None:
    assert not DANGEROUS.search(neutralise(text))
    assert len(neutralise(text).splitlines()) <= 1


@given(anything)
def test_no_line_of_a_traceback_can_begin_a_record(text: str) -> None:
    for line in neutralise_lines(text).split("\n"):
        assert not re.match(r"[0-9{]", line)
        assert not DANGEROUS.search(line)


@given(anything)
def test_a_word_is_ascii_without_blanks_and_never_empty(text: str) -> None:
    assert re.fullmatch(r"[!-~]+", word(text))
    assert "|" not in word(text)


@given(anything)
def test_a_name_has_no_blanks_and_is_never_empty(text: str) -> None:
    assert name(text)
    assert not re.search(r"\s", name(text))


@given(st.text().map(whole))
def test_neutralised_json_says_the_same(text: str) -> None:
    document = json.dumps({"text": text}, ensure_ascii=False)
    assert json.loads(neutralise_json(document)) == {"text": text}
    assert not DANGEROUS.search(neutralise_json(document))
