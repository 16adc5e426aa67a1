"""The newest records that answer a question, found without looking at the others.

A plain file is read from its end until there are enough. Only lines that hold one of the question's words are looked
at; whether their record is meant is decided on its fields. So the time depends on how far back the answer lies.
"""

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from chatai_core.errors import BadData
from chatai_core.i18n import _, plural
from chatai_core.logs import blocks, records
from chatai_core.logs.blocks import Block
from chatai_core.logs.records import Record
from chatai_core.logs.sources import Source
from chatai_core.units import Bytes, show_bytes

# Counting newlines up to a record takes 40 ms for so much in memory, and seconds from a cold disk.
COUNTED = 134_217_728
_PIECE = 1_048_576
# Several processes write a little out of order, and in autumn local time repeats an hour.
_DISORDER = timedelta(minutes=61)


@dataclass(frozen=True, slots=True)
class Question:
    """Which records are meant, and how many of the newest; ``words``: one of them is in the first line of each."""

    words: tuple[bytes, ...]
    accepts: Callable[[Record], bool]
    limit: int | None
    since: datetime | None
    until: datetime | None

    def is_answered_by(self, record: Record) -> bool:
        """Whether this record is meant."""
        in_time = (self.since is None or record.time >= self.since) and (self.until is None or record.time < self.until)
        return in_time and self.accepts(record)

    def is_over_before(self, moment: datetime) -> bool:
        """Whether nothing older than this moment can be meant."""
        return self.since is not None and moment < self.since - _DISORDER


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file, or the rest of one, that could not be read."""

    file: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read for an answer.

    ``records`` counts those looked at; ``unparsed`` the lines that might have belonged to the answer and are not
    understood: those with one of the words, and those of stretches that hold no record at all.
    """

    files: list[str]
    bytes: Bytes
    records: int
    unparsed: int
    skipped: list[Skipped]

    def __str__(self) -> str:
        number, strange = len(self.files), self.unparsed
        sentences = [
            _("Read {files}, {size}, {lines} not understood.").format(
                files=plural("{number} file", "{number} files", number).format(number=number),
                size=show_bytes(self.bytes),
                lines=plural("{number} line", "{number} lines", strange).format(number=strange),
            )
        ]
        part = _("{file} was read in part: {reason}")
        sentences += [part.format(file=skipped.file, reason=skipped.reason) for skipped in self.skipped]
        return " ".join(sentences)


class Records(list[Record]):
    """Records, oldest first, and what was read to find them."""

    def __init__(self, found: Iterable[Record], reading: Reading) -> None:
        super().__init__(found)
        self.reading = reading


@dataclass(frozen=True, slots=True)
class _Hit:
    record: Record
    offset: int
    source: Source


@dataclass(slots=True)
class _Tally:
    files: list[str] = field(default_factory=list)
    bytes: int = 0
    records: int = 0
    unparsed: int = 0
    damages: list[tuple[str, BadData]] = field(default_factory=list)

    def reading(self) -> Reading:
        if self.damages and not self.bytes:
            raise self.damages[0][1]
        skipped = [Skipped(name, damage.why) for name, damage in self.damages]
        return Reading(self.files, self.bytes, self.records, self.unparsed, skipped)


def newest(series: Iterable[Iterable[Source]], question: Question) -> Records:
    """The newest records that answer, oldest first; each series holds the files of one log, newest first.

    Raises what its sources raise, and BadData when nothing at all could be read for damage.
    """
    tally = _Tally()
    with ExitStack() as at_the_end:
        hits = [hit for sources in series for hit in _of_series(sources, question, tally, at_the_end)]
        hits.sort(key=lambda hit: hit.record.time)
        return Records(_numbered(hits if question.limit is None else hits[-question.limit :]), tally.reading())


def _of_series(sources: Iterable[Source], question: Question, tally: _Tally, at_the_end: ExitStack) -> Sequence[_Hit]:
    found: deque[_Hit] = deque()
    for source in sources:
        at_the_end.callback(source.file.close)
        if source.modified is not None and question.is_over_before(source.modified):
            break
        tally.files.append(source.name)
        found.extendleft(_of_source(source, question, tally))
        if question.limit is not None and len(found) >= question.limit:
            break
    return found


def _of_source(source: Source, question: Question, tally: _Tally) -> Iterator[_Hit]:
    """The newest hits of one file, the newest first, at most as many as are asked for."""
    hits = _from_beginning(source, question, tally) if source.size is None else _from_end(source, question, tally)
    return itertools.islice(hits, question.limit)


def _from_end(source: Source, question: Question, tally: _Tally) -> Iterator[_Hit]:
    try:
        for block in blocks.from_end(source, source.size or 0):
            yield from _of_block(block, source, question, tally)
            oldest = records.at(block.text, 0, source.name) if question.since else None
            if oldest is not None and question.is_over_before(oldest.time):
                return
    except BadData as damage:
        tally.damages.append((source.name, damage))


def _from_beginning(source: Source, question: Question, tally: _Tally) -> Iterator[_Hit]:
    kept: deque[_Hit] = deque(maxlen=question.limit)
    lines = 0
    try:
        for block in blocks.from_beginning(source):
            hits = list(itertools.islice(_of_block(block, source, question, tally), question.limit))
            kept.extend(_with_lines(block, hits[::-1], lines))
            lines += block.text.count(b"\n")
    except BadData as damage:
        tally.damages.append((source.name, damage))
    return reversed(kept)


def _of_block(block: Block, source: Source, question: Question, tally: _Tally) -> Iterator[_Hit]:
    """The hits of one block, the newest first."""
    tally.bytes += len(block.text)
    tally.unparsed += _lines_before_the_first_record(block.text)
    for start in _lines_with(question.words, block.text):
        if not records.begins(block.text, start):
            continue  # a line of a traceback
        record = records.at(block.text, start, source.name)
        tally.records += 1
        tally.unparsed += record is None
        if record is not None and question.is_answered_by(record):
            yield _Hit(record, block.offset + start, source)


def _lines_with(words: Sequence[bytes], text: bytes) -> Iterator[int]:
    """Where the lines begin that hold one of the words, the last first."""
    line = len(text) + 1
    for place in heapq.merge(*(_places(word, text) for word in words), reverse=True):
        if place < line:
            line = text.rfind(b"\n", 0, place) + 1
            yield line


def _places(word: bytes, text: bytes) -> Iterator[int]:
    place = len(text)
    while (place := text.rfind(word, 0, place)) >= 0:
        yield place


def _lines_before_the_first_record(text: bytes) -> int:
    if records.begins(text, 0):
        return 0
    start = records.first(text)
    strange = text if start < 0 else text[:start]
    return len(strange.strip(b"\0\n").splitlines())


def _with_lines(block: Block, hits: Sequence[_Hit], lines: int) -> Iterator[_Hit]:
    """The hits of one block, in its order, with their line numbers; so many lines stand before the block."""
    counted = 0
    for hit in hits:
        start = hit.offset - block.offset
        lines += block.text.count(b"\n", counted, start)
        counted = start
        yield replace(hit, record=replace(hit.record, line=lines + 1))


def _numbered(hits: Sequence[_Hit]) -> list[Record]:
    """The records with their line numbers, as far as these can be counted in no time."""
    lines: dict[tuple[Source, int], int] = {}
    for source in {hit.source for hit in hits if hit.source.size is not None}:
        offsets = sorted(hit.offset for hit in hits if hit.source is source and hit.offset <= COUNTED)
        lines |= {(source, offset): line for offset, line in zip(offsets, _lines_at(source, offsets), strict=False)}
    return [replace(hit.record, line=lines.get((hit.source, hit.offset), hit.record.line)) for hit in hits]


def _lines_at(source: Source, offsets: Sequence[int]) -> Iterator[int]:
    """The line numbers of these places, in ascending order; fewer when the file was cut meanwhile."""
    line, position = 1, 0
    for offset in offsets:
        while position < offset:
            piece = source.read_at(position, min(position + _PIECE, offset))
            if not piece:
                return
            line += piece.count(b"\n")
            position += len(piece)
        yield line
