"""Which tables the statements of a migration lock, how, and how large these tables are now.

Modes: https://www.postgresql.org/docs/current/explicit-locking.html; which statement takes which stands with each
command of the reference, and for ALTER TABLE with each of its forms.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from chatai_core.adapters.postgres import Database, question
from chatai_core.i18n import _
from chatai_core.units import Bytes, show_bytes

LARGE_BYTES = 100 * 1024 * 1024  # from here on reading, rewriting or indexing it takes seconds, which people notice
LARGE_ROWS = 1_000_000

# The weakest first: what comes later keeps more others out.
MODES = (
    "ACCESS SHARE",
    "ROW SHARE",
    "ROW EXCLUSIVE",
    "SHARE UPDATE EXCLUSIVE",
    "SHARE",
    "SHARE ROW EXCLUSIVE",
    "EXCLUSIVE",
    "ACCESS EXCLUSIVE",
)

_NAME = r'((?:"(?:[^"]|"")+"|\w+)(?:\.(?:"(?:[^"]|"")+"|\w+))?)'
_RULES = tuple(
    (re.compile(pattern.replace("NAME", _NAME), re.IGNORECASE), mode)
    for pattern, mode in (
        (r"CREATE (?:UNIQUE )?INDEX CONCURRENTLY .*? ON (?:ONLY )?NAME", "SHARE UPDATE EXCLUSIVE"),
        (r"CREATE (?:UNIQUE )?INDEX .*? ON (?:ONLY )?NAME", "SHARE"),
        (r"CREATE (?:CONSTRAINT )?TRIGGER .*? ON NAME", "SHARE ROW EXCLUSIVE"),
        (r"DROP INDEX CONCURRENTLY (?:IF EXISTS )?NAME", "SHARE UPDATE EXCLUSIVE"),
        (r"DROP (?:TABLE|INDEX) (?:IF EXISTS )?NAME", "ACCESS EXCLUSIVE"),
        (r"ALTER TABLE (?:IF EXISTS )?(?:ONLY )?NAME VALIDATE ", "SHARE UPDATE EXCLUSIVE"),
        (r"ALTER TABLE (?:IF EXISTS )?(?:ONLY )?NAME (?:RE)?SET \(", "SHARE UPDATE EXCLUSIVE"),
        (r"ALTER TABLE (?:IF EXISTS )?(?:ONLY )?NAME ADD (?:CONSTRAINT \S+ )?FOREIGN KEY", "SHARE ROW EXCLUSIVE"),
        (r"(?:ALTER TABLE|TRUNCATE(?: TABLE)?) (?:IF EXISTS )?(?:ONLY )?NAME", "ACCESS EXCLUSIVE"),
        (r"(?:UPDATE|INSERT INTO|DELETE FROM) (?:ONLY )?NAME", "ROW EXCLUSIVE"),
        (r"(?:COMMENT ON TABLE|ANALYZE) NAME", "SHARE UPDATE EXCLUSIVE"),
    )
)
_LOCK = re.compile(r"LOCK TABLE (.+) IN (.+) MODE", re.IGNORECASE)
_PARENT = re.compile(rf"\bREFERENCES {_NAME}", re.IGNORECASE)
_LETS_GO = re.compile(r"DROP (TABLE|CONSTRAINT|COLUMN)\b", re.IGNORECASE)
# Who lets go of a foreign key locks the table at its other end as well.
Others = Literal["", "parents", "all"]


@dataclass(frozen=True, slots=True)
class TableLock:
    """The strongest lock that a migration takes on a table; size and rows are None when they cannot be seen now."""

    table: str
    mode: str
    size_bytes: Bytes | None
    rows_estimate: int | None
    is_large: bool

    def sentence(self) -> str:
        """What it means for everybody else."""
        size = "?" if self.size_bytes is None else show_bytes(self.size_bytes)
        rows = "?" if self.rows_estimate is None else str(self.rows_estimate)
        kept_out = MODES.index(self.mode)
        if kept_out >= MODES.index("ACCESS EXCLUSIVE"):
            meaning = _("nobody reads or writes it")
        elif kept_out >= MODES.index("SHARE"):
            meaning = _("nobody writes it")
        else:
            meaning = _("others read and write it")
        sentence = (
            _("LARGE table {table} ({size}, about {rows} rows): {mode}, {meaning} until the end.")
            if self.is_large
            else _("Table {table} ({size}, about {rows} rows): {mode}, {meaning} until the end.")
        )
        return sentence.format(table=self.table, size=size, rows=rows, mode=self.mode, meaning=meaning)


def locks(database: Database, statements: Sequence[str]) -> list[TableLock]:
    """The tables of this database that the statements lock, the largest first; what they make anew is left out."""
    from chatai_core.database import unlocked  # a room of reports, which ``migrate current`` does not enter

    wanted = [one for statement in statements for one in taken(statement)]
    if not wanted:
        return []
    names, modes, others = (list(column) for column in zip(*wanted, strict=True))
    ranks = [MODES.index(mode) for mode in modes]
    return unlocked.rows(database, _lock, question(__file__), names=names, ranks=ranks, others=others)


def taken(statement: str) -> Iterator[tuple[str, str, Others]]:
    """What one statement locks: a table's or an index's name, the mode, and which tables at foreign keys as well.

    >>> list(taken("DROP INDEX a")), list(taken("CREATE TABLE a (b int REFERENCES c (d))"))
    ([('a', 'ACCESS EXCLUSIVE', '')], [('c', 'SHARE ROW EXCLUSIVE', '')])
    """
    words = " ".join(statement.split())
    if lock := _LOCK.match(words):
        yield from ((name.strip(), lock[2].upper(), "") for name in lock[1].split(","))
        return
    for rule, mode in _RULES:
        if found := rule.match(words):
            yield found[1], mode, _others(words)
            break
    if words.upper().startswith(("CREATE TABLE", "ALTER TABLE")):
        yield from ((name, "SHARE ROW EXCLUSIVE", "") for name in _PARENT.findall(words))


def _others(words: str) -> Others:
    found = _LETS_GO.search(words)
    return "" if found is None else "all" if found[1].upper() == "TABLE" else "parents"


def _lock(table: str, rank: int, size_bytes: int | None, rows_estimate: int | None) -> TableLock:
    is_large = (size_bytes or 0) >= LARGE_BYTES or (rows_estimate or 0) >= LARGE_ROWS
    return TableLock(table, MODES[rank], size_bytes, rows_estimate, is_large)
