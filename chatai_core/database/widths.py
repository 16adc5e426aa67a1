"""How many pages rows of this width need: what a table or a btree index would take if it were written anew.

Sizes are PostgreSQL's own: htup_details.h, itup.h, nbtree.h, nbtdedup.c.
"""

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass

_ALIGNED = {"c": 1, "s": 2, "i": 4, "d": 8}
_PAGE_HEADER, _ITEM = 24, 4
_HEAP_HEADER, _INDEX_HEADER, _BTREE_SPECIAL = 23, 8, 16
_SHORT = 127  # a value below has a header of one byte and stands unaligned
_POSTING, _TID = 812, 6  # equal keys are stored once, with a list of row addresses that is no longer
_FEW = 8  # rows a page
_ALONE = 1.01  # rows a key, below which hardly any is stored with another one
_UNSURE = 1.2  # by which two estimates may differ


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table or btree index in their order; what is not known of one is None.

    ``nulls`` are shares; ``distincts`` as in pg_stats: a number, or the negative of a share of the rows.
    """

    oid: int
    table_oid: int
    is_index: bool
    is_partial: bool
    has_duplicates: bool
    shows_all_rows: bool
    tuples: float
    fillfactor: int
    deduplicates: bool
    index_pages: int | None
    columns: int
    lengths: list[int] | None
    alignments: str | None
    widths: list[int | None] | None
    nulls: list[float | None] | None
    distincts: list[float | None] | None

    @property
    def is_known(self) -> bool:
        """Whether every column has statistics that tell its width as it is stored."""
        # a name is stored as a string in an index, -2, and its width is told as that of the table
        return self.widths is not None and None not in self.widths and -2 not in (self.lengths or ())

    @property
    def nullable(self) -> float:
        """The share of rows with at least one null."""
        full = math.prod(1 - (null or 0) for null in self.nulls or ())
        return 1 - full if len(self.widths or ()) == self.columns else 1.0  # a dropped column is null

    def _each(self) -> Iterator[tuple[int, int, int, float]]:
        """Length (negative: varies), alignment, width, share of nulls of each column that is stored."""
        parts = (self.lengths or (), self.alignments or "", self.widths or (), self.nulls or ())
        for length, alignment, width, null in zip(*parts, strict=True):
            unaligned = length == -1 and (width or 0) < _SHORT
            yield length, 1 if unaligned else _ALIGNED[alignment], width or 0, null or 0

    def data(self) -> tuple[float, bool]:
        """Bytes of the values of an average row, and whether every row has as many."""
        size, is_fixed = 0.0, True
        for length, alignment, width, null in self._each():
            padding = -size % alignment if is_fixed else (alignment - 1) / 2
            size += (1 - null) * (padding + (width if length < 0 else length))
            is_fixed = is_fixed and length > 0 and null == 0
        return size, is_fixed


def heap_pages(table: Columns, tuples: float, block: int) -> int:
    """Pages of a table with so many rows, without a dead one, filled as its fillfactor says."""
    data, is_fixed = table.data()
    bitmap = _padded(_HEAP_HEADER + math.ceil(table.columns / 8), True) - _padded(_HEAP_HEADER, True)
    row = _padded(_padded(_HEAP_HEADER, True) + table.nullable * bitmap + data, is_fixed) + _ITEM
    return math.ceil(tuples / _fitting(block * table.fillfactor / 100 - _PAGE_HEADER, row, is_fixed))


def btree_pages(index: Columns, block: int) -> int | None:
    """Pages of an index built anew; None when it depends on how many keys are equal, and that is not known."""
    if not (index.has_duplicates and index.deduplicates):
        return _pages(_leaves(index, index.tuples, index.tuples, block), index, block)
    few, many = (
        sum(_leaves(part, part.tuples, keys, block) for part, keys in parts)
        for parts in zip(*_parts(index), strict=True)
    )
    return _pages(few, index, block) if max(few, many) <= min(few, many) * _UNSURE else None


def _parts(index: Columns) -> Iterator[tuple[tuple[Columns, float], tuple[Columns, float]]]:
    """The rows that are stored together, twice: with the fewest and the most different keys that they can have.

    The nulls of a single column are one key, which pg_stats does not count.
    """
    null = (index.nulls or [None])[0] or 0
    if index.columns > 1 or null == 0:
        few, many = _distinct(index)
        yield (index, few), (index, many)
        return
    full = dataclasses.replace(index, tuples=index.tuples * (1 - null), nulls=[0.0])
    few, many = _distinct(dataclasses.replace(index, nulls=[0.0]))
    yield (full, few), (full, many)
    empty = dataclasses.replace(index, tuples=index.tuples * null, nulls=[1.0])
    yield (empty, 1), (empty, 1)


def _leaves(index: Columns, tuples: float, keys: float, block: int) -> int:
    """Pages with so many rows under so many different keys, each of which is stored once."""
    rows_a_key = max(tuples / max(keys, 1), 1)
    key, is_fixed = _key(index)
    longest = max((_POSTING - key) // _TID, 1)
    whole, rest = divmod(rows_a_key, longest)
    last = min(rest, 1)  # on average: the keys are not all of as many rows
    items = whole + last
    bytes_a_key = whole * _posting(key, longest) + last * _posting(key, rest)
    keys_a_page = _fitting(_room(index, key, block), bytes_a_key / items, is_fixed and rows_a_key < _ALONE) / items
    return math.ceil(tuples / rows_a_key / keys_a_page)


def _pages(leaves: int, index: Columns, block: int) -> int:
    """With the pages above the leaves, and the first one, which says what the index is."""
    key, _is_fixed = _key(index)
    return 1 + leaves + math.ceil(leaves * (key + _ITEM) / _room(index, key, block))


def _key(index: Columns) -> tuple[float, bool]:
    data, is_fixed = index.data()
    return _padded(_INDEX_HEADER + index.nullable * _INDEX_HEADER + data, is_fixed), is_fixed


def _room(index: Columns, key: float, block: int) -> float:
    """What a leaf has for items; one more is its high key."""
    return block * index.fillfactor / 100 - _PAGE_HEADER - _BTREE_SPECIAL - key - _ITEM


def _posting(key: float, rows: float) -> float:
    """A key with its rows; one with a single row is no list, and between one and two some keys are and some are not."""
    lists = min(max(rows - 1, 0), 1)
    return _ITEM + (1 - lists) * key + lists * _padded(key + max(rows, 2) * _TID, False)


def _distinct(index: Columns) -> tuple[float, float]:
    """The least and the most different keys that an index of these columns can have."""
    each = [max(-d * index.tuples if d < 0 else d, 1) for d in (distinct or -1 for distinct in index.distincts or ())]
    return max(each, default=1), min(math.prod(each), max(index.tuples, 1))


def _padded(size: float, is_fixed: bool) -> float:
    """Aligned to eight bytes; on average half of that is added to what varies."""
    return math.ceil(size / 8) * 8 if is_fixed else size + 3.5


def _fitting(room: float, item: float, is_fixed: bool) -> float:
    """How many items a page holds; of what varies, half an item's room is left over on average."""
    if is_fixed or item > room / _FEW:  # who has few a page loses nearly one, should they be of one size after all
        return max(math.floor(room / item), 1)
    return (room - item / 2) / item
