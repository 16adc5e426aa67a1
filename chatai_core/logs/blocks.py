"""A log in pieces of whole records, from its end or from its beginning, whatever its size."""

from collections.abc import Iterator
from dataclasses import dataclass

from chatai_core.errors import BadData
from chatai_core.logs import records
from chatai_core.logs.sources import Source

SIZE = 262_144
# What goes on longer without the start of a record is cut: such a file must not be held in memory.
LONGEST = 2_097_152


@dataclass(frozen=True, slots=True)
class Block:
    """Whole records and where they stand in the (unpacked) file; only a file's first block may begin with less."""

    offset: int
    text: bytes


def from_end(source: Source, size: int, *, block: int = SIZE, longest: int = LONGEST) -> Iterator[Block]:
    """The first ``size`` bytes of a file, its last block first."""
    tail = b""
    while size > 0:
        begin = max(0, size - block)
        fresh = source.read_at(begin, size)
        if len(fresh) < size - begin:
            return  # it was cut while we read: what stood before is gone
        text = fresh + tail
        start = records.first(text, 0, len(fresh)) if begin else 0
        if start < 0:
            start = len(text) if len(text) < longest else 0
        if start < len(text):
            yield Block(begin + start, text[start:])
        tail, size = text[:start], begin


def from_beginning(source: Source, *, block: int = SIZE, longest: int = LONGEST) -> Iterator[Block]:
    """All of a file or stream. Raises BadData where it is damaged, after what could be read."""
    offset, text = 0, b""
    damage = None
    while True:
        try:
            piece = source.read(block)
        except BadData as error:
            piece, damage = b"", error
        if not piece:
            break
        known = text.rfind(b"\n")
        text += piece
        cut = records.last(text, max(known, 0))
        if cut < 0:
            cut = len(text) if len(text) >= longest else 0
        if cut:
            yield Block(offset, text[:cut])
        text, offset = text[cut:], offset + cut
    if text:
        yield Block(offset, text)
    if damage is not None:
        raise damage
