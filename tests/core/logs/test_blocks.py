from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from chatai_core.logs import blocks, records, sources
from chatai_core.logs.sources import Source

START = b"2025-09-04 10:15:00,123 - api - INFO - x\n"
pieces = st.sampled_from(
    [START, b'{"time":"x"}\n', b"  continued\n", b"\n", b"\0\0", b"y" * 70, b"2025-09-0", b"\xff\n"]
)
contents = st.lists(pieces, max_size=30).map(b"".join)
sizes = st.integers(1, 200)


@contextmanager
def source_of(content: bytes) -> Iterator[Source]:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "api.log"
        path.write_bytes(content)
        source = sources.opened(path)
        with source.file:
            yield source


@given(contents, sizes, sizes)
def test_from_the_end_every_byte_comes_once(content: bytes, block: int, longest: int) -> None:
    with source_of(content) as source:
        found = list(blocks.from_end(source, len(content), block=block, longest=longest))[::-1]
    assert b"".join(one.text for one in found) == content
    for one in found:
        assert content[one.offset :].startswith(one.text)


@given(contents, sizes, sizes)
def test_from_the_beginning_every_byte_comes_once(content: bytes, block: int, longest: int) -> None:
    with source_of(content) as source:
        found = list(blocks.from_beginning(source, block=block, longest=longest))
    assert b"".join(one.text for one in found) == content
    for one in found:
        assert content[one.offset :].startswith(one.text)


@given(contents, sizes)
def test_no_record_is_divided(content: bytes, block: int) -> None:
    with source_of(content) as source:
        for found in (
            list(blocks.from_end(source, len(content), block=block))[::-1],
            list(blocks.from_beginning(source, block=block)),
        ):
            assert all(records.begins(one.text, 0) for one in found[1:])


def test_a_file_without_a_record_is_not_held_in_memory() -> None:
    with source_of(b"x" * 1000) as source:
        for found in (
            list(blocks.from_end(source, 1000, block=10, longest=100)),
            list(blocks.from_beginning(source, block=10, longest=100)),
        ):
            assert max(len(one.text) for one in found) <= 110


def test_a_file_that_is_cut_meanwhile_ends_the_reading() -> None:
    with source_of(START * 10) as source:
        reading = blocks.from_end(source, len(START) * 10, block=100)
        next(reading)
        Path(source.name).write_bytes(b"")
        assert list(reading) == []
