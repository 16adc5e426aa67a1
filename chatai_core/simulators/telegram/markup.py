"""Text with Telegram's HTML: what remains of it, its entities, and the words with which bad HTML is refused.

Offsets and lengths of entities count UTF-16 code units, offsets in failures count bytes, as Telegram's do.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chatai_core.simulators.telegram.calls import bad

Entity = dict[str, Any]

_TYPES = {
    **dict.fromkeys(("b", "strong"), "bold"),
    **dict.fromkeys(("i", "em"), "italic"),
    **dict.fromkeys(("u", "ins"), "underline"),
    **dict.fromkeys(("s", "strike", "del"), "strikethrough"),
    **dict.fromkeys(("span", "tg-spoiler"), "spoiler"),
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
}
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_REFERENCE = re.compile(r"&(?:#x([0-9a-fA-F]+)|#([0-9]+)|([A-Za-z]+));?")
_PLAIN = re.compile(r"[^<&]+")
_TAG_NAME = re.compile(r"[^\s>]*")
_ATTRIBUTE = re.compile(r"\s*([^\s=>]+)\s*(=)?\s*")
_VALUE = re.compile(r"\"([^\"]*)\"|'([^']*)'|([A-Za-z0-9.\-]+)(?=[\s>])")
_TAG_END = re.compile(r"\s*>")
_END = re.compile(r"([^\s>]*)\s*(>?)")
_COMMAND = re.compile(r"(?<![\w/@])/[A-Za-z0-9_]{1,64}(?:@\w{3,32})?")
_MENTION = re.compile(r"(?<![\w/@])@[A-Za-z]\w{3,31}")


def utf16_length(text: str) -> int:
    """The length in UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def commands_and_mentions(text: str) -> list[Entity]:
    """The entities that Telegram finds by itself: bot commands and mentions."""
    if "/" not in text and "@" not in text:
        return []
    found = [("bot_command", match) for match in _COMMAND.finditer(text)]
    found += [("mention", match) for match in _MENTION.finditer(text)]
    return [
        {"offset": utf16_length(text[: match.start()]), "length": utf16_length(match.group()), "type": kind}
        for kind, match in sorted(found, key=lambda pair: pair[1].start())
    ]


def parse_html(source: str) -> tuple[str, list[Entity]]:
    """The visible text and its entities; bad HTML is a 400 failure."""
    return _Reader(source).read()


def trimmed(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """The text without white space around it, the entities moved accordingly."""
    begin = utf16_length(text[: len(text) - len(text.lstrip())])
    text = text.strip()
    return text, list(_clipped(entities, begin, utf16_length(text)))


def _clipped(entities: list[Entity], begin: int, size: int) -> Iterator[Entity]:
    for entity in entities:
        first = max(entity["offset"] - begin, 0)
        last = min(entity["offset"] + entity["length"] - begin, size)
        if first < last:
            yield {**entity, "offset": first, "length": last - first}


@dataclass(slots=True)
class _Open:
    """A tag that waits for its end."""

    name: str
    argument: str
    offset: int
    piece: int


class _Reader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        self._pieces: list[str] = []
        self._offset = 0
        self._open: list[_Open] = []
        self._entities: list[Entity] = []

    def read(self) -> tuple[str, list[Entity]]:
        while self._at < len(self._source):
            if self._source[self._at] == "<":
                self._read_tag()
            else:
                self._read_text()
        if self._open:
            raise _unparsable(f'Can\'t find end tag corresponding to start tag "{self._open[-1].name}"')
        entities = sorted(self._entities, key=lambda entity: (entity["offset"], -entity["length"]))
        return "".join(self._pieces), entities

    def _read_text(self) -> None:
        plain = _PLAIN.match(self._source, self._at)
        if plain is not None:
            self._at = plain.end()
            self._write(plain.group())
        else:
            character, self._at = _dereferenced(self._source, self._at)
            self._write(character)

    def _write(self, text: str) -> None:
        self._pieces.append(text)
        self._offset += utf16_length(text)

    def _read_tag(self) -> None:
        begin = self._at
        if self._source.startswith("</", begin):
            self._read_end(begin)
        else:
            self._read_start(begin)

    def _read_start(self, begin: int) -> None:
        match = _TAG_NAME.match(self._source, begin + 1)
        assert match is not None, "an empty name matches"
        name, self._at = match.group().lower(), match.end()
        if self._at == len(self._source):
            raise _unparsable(f"Unclosed start tag at byte offset {self._byte(begin)}")
        if name not in _TYPES:
            raise _unparsable(f'Unsupported start tag "{name}" at byte offset {self._byte(begin)}')
        argument = self._read_attributes(name, begin)
        if name == "span" and argument != "spoiler":
            raise _unparsable(f'Tag "span" must have class "tg-spoiler" at byte offset {self._byte(begin)}')
        self._open.append(_Open(name, argument, self._offset, len(self._pieces)))

    def _read_attributes(self, tag: str, begin: int) -> str:
        argument = ""
        while attribute := _ATTRIBUTE.match(self._source, self._at):
            self._at = attribute.end()
            name = attribute.group(1).lower()
            if attribute.group(2):
                argument = _argument(tag, name, self._read_value(begin)) or argument
            elif (tag, name) == ("blockquote", "expandable"):
                argument = name
            else:
                where = f'of an attribute of the tag "{tag}" at byte offset {self._byte(begin)}'
                raise _unparsable(f"Expected equal sign in declaration {where}")
        end = _TAG_END.match(self._source, self._at)
        if end is None:
            raise _unparsable(f"Unclosed start tag at byte offset {self._byte(begin)}")
        self._at = end.end()
        return argument

    def _read_value(self, begin: int) -> str:
        value = _VALUE.match(self._source, self._at)
        if value is None:
            is_quoted = self._source[self._at : self._at + 1] in {'"', "'", ""}
            what = "Unclosed start tag" if is_quoted else "Unexpected end of name token"
            at = begin if is_quoted else self._at
            raise _unparsable(f"{what} at byte offset {self._byte(at)}")
        self._at = value.end()
        return _REFERENCE.sub(lambda match: _dereferenced(match.group(), 0)[0], value.group(value.lastindex or 0))

    def _read_end(self, begin: int) -> None:
        if not self._open:
            raise _unparsable(f"Unexpected end tag at byte offset {self._byte(begin)}")
        match = _END.match(self._source, begin + 2)
        assert match is not None, "an empty name matches"
        if not match.group(2):
            raise _unparsable(f"Unclosed end tag at byte offset {self._byte(begin)}")
        expected, found = self._open[-1].name, match.group(1).lower()
        if found and found != expected:
            what = f"Unmatched end tag at byte offset {self._byte(begin)}"
            raise _unparsable(f'{what}, expected "</{expected}>", found "</{found}>"')
        self._at = match.end()
        self._close(self._open.pop())

    def _close(self, tag: _Open) -> None:
        length = self._offset - tag.offset
        if length == 0:
            return
        entity: Entity = {"offset": tag.offset, "length": length, "type": _TYPES[tag.name]}
        if tag.name == "a":
            url = tag.argument or "".join(self._pieces[tag.piece :])
            if "." not in url and "://" not in url:
                return
            entity["url"] = url
        elif tag.name == "tg-emoji":
            entity["custom_emoji_id"] = tag.argument
        elif tag.name == "blockquote" and tag.argument:
            entity["type"] = "expandable_blockquote"
        elif tag.name == "code" and tag.argument and self._encloses("pre", entity):
            self._open[-1].argument = tag.argument
            return
        elif tag.name == "pre" and tag.argument:
            entity["language"] = tag.argument
        self._entities.append(entity)

    def _encloses(self, name: str, entity: Entity) -> bool:
        return bool(self._open) and self._open[-1].name == name and self._open[-1].offset == entity["offset"]

    def _byte(self, position: int) -> int:
        return len(self._source[:position].encode(errors="surrogatepass"))


def _argument(tag: str, attribute: str, value: str) -> str:
    if (tag, attribute) in {("a", "href"), ("tg-emoji", "emoji-id")}:
        return value
    if (tag, attribute) == ("code", "class") and value.startswith("language-"):
        return value.removeprefix("language-")
    if (tag, attribute) == ("span", "class") and value.startswith("tg-"):
        return value.removeprefix("tg-")
    return ""


def _dereferenced(source: str, at: int) -> tuple[str, int]:
    """The character that the reference stands for and where it ends; what is no reference is an ampersand."""
    match = _REFERENCE.match(source, at)
    if match is None:
        return "&", at + 1
    hexadecimal, decimal, name = match.groups()
    if name:
        return (_NAMED[name], match.end()) if name in _NAMED else ("&", at + 1)
    code = int(hexadecimal, 16) if hexadecimal else int(decimal)
    return (chr(code), match.end()) if 0 < code < 0x10FFFF else ("&", at + 1)


def _unparsable(why: str) -> Exception:
    return bad(f"can't parse entities: {why}")
