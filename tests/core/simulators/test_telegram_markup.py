"""HTML in messages: what Telegram makes of it and how it refuses."""

import pytest

from chatai_core.simulators.telegram.calls import Failure
from chatai_core.simulators.telegram.markup import commands_and_mentions, parse_html, trimmed


def spans(source: str) -> list[tuple[str, str]]:
    """The type of each entity and the text that it covers."""
    text, entities = parse_html(source)
    wide = text.encode("utf-16-le")
    cuts = [(entity["type"], 2 * entity["offset"], 2 * entity["length"]) for entity in entities]
    return [(kind, wide[begin : begin + size].decode("utf-16-le")) for kind, begin, size in cuts]


def test_tags_become_entities_and_vanish_from_the_text() -> None:
    assert parse_html("a <b>bold</b> word")[0] == "a bold word"
    assert spans("a <b>bold</b> word") == [("bold", "bold")]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<b>x<i>y</i></b>", [("bold", "xy"), ("italic", "y")]),
        ("😀<code>x</code>", [("code", "x")]),
        ("<u>1</u><s>2</s><tg-spoiler>3</tg-spoiler>", [("underline", "1"), ("strikethrough", "2"), ("spoiler", "3")]),
        ('<span class="tg-spoiler">x</span>', [("spoiler", "x")]),
        ("<blockquote expandable>x</blockquote>", [("expandable_blockquote", "x")]),
        ("<B>x</b>", [("bold", "x")]),
        ("<b></b>x", []),
        ("<a>no address</a>", []),
    ],
)
def test_entities_cover_the_text_between_the_tags(source: str, expected: list[tuple[str, str]]) -> None:
    assert spans(source) == expected


def test_links_and_languages_keep_their_arguments() -> None:
    link = parse_html('<a href="https://example.org/?a=1&amp;b=2">x</a>')[1][0]
    code = parse_html('<pre><code class="language-python">x = 1</code></pre>')[1]
    assert (link["type"], link["url"]) == ("text_link", "https://example.org/?a=1&b=2")
    assert [(entity["type"], entity.get("language")) for entity in code] == [("pre", "python")]


def test_references_are_resolved_and_a_lone_ampersand_stays() -> None:
    assert parse_html("&lt;&amp;&gt;&quot;&#65;&#x42; & &nbsp; &#0;")[0] == '<&>"AB & &nbsp; &#0;'


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("ж<br>", 'Unsupported start tag "br" at byte offset 2'),
        ("1 < 2 > 1", 'Unsupported start tag "" at byte offset 2'),
        ("a < b", 'Unsupported start tag "" at byte offset 2'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("<b", "Unclosed start tag at byte offset 0"),
        ('<a href="x', "Unclosed start tag at byte offset 0"),
        ("<b class>x</b>", 'Expected equal sign in declaration of an attribute of the tag "b" at byte offset 0'),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
    ],
)
def test_bad_html_is_refused_in_telegrams_words(source: str, why: str) -> None:
    with pytest.raises(Failure) as caught:
        parse_html(source)
    assert (caught.value.code, str(caught.value)) == (400, f"Bad Request: can't parse entities: {why}")


def test_white_space_around_a_text_is_cut_and_its_entities_move() -> None:
    assert trimmed(*parse_html("  <b> bold </b> ")) == ("bold", [{"offset": 0, "length": 4, "type": "bold"}])


def test_commands_and_mentions_are_found_as_telegram_finds_them() -> None:
    found = commands_and_mentions("😀 /start@echo_bot and @someone, not a/b nor me@example")
    assert found == [
        {"offset": 3, "length": 15, "type": "bot_command"},
        {"offset": 23, "length": 8, "type": "mention"},
    ]
