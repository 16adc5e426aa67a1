"""What the server knows of a table's rows, and the reasons for which it does not tell what they would need."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from chatai_core.adapters.postgres import identifier
from chatai_core.database.autovacuum import Rules
from chatai_core.database.visibility import Visibility
from chatai_core.database.widths import Columns
from chatai_core.i18n import _, plural

SMALL = 10  # pages, of which a half-filled one more or less would mislead
_CHANGED = 0.2  # the share of a table that may have changed since it was analyzed


@dataclass(frozen=True, slots=True)
class Facts:
    """What catalogue and counters say of a table. ``tuples`` is -1 before the first ANALYZE; ``pages`` None: locked.

    ``index_pages`` are those of its btree indexes, as many as can be measured.
    """

    schema: str
    table: str
    oid: int
    tuples: float
    pages_then: int
    pages: int | None
    counted_live: int
    counted_dead: int
    modified: int
    inserted: int
    last_vacuum: datetime | None
    last_analyze: datetime | None
    frozen_pages: int
    indexes: int
    index_pages: int
    options: list[str] | None
    may_read: bool

    @property
    def name(self) -> str:
        """Its name as SQL writes it."""
        return identifier(self.schema, self.table)

    @property
    def lost_counters(self) -> bool:
        """Whether a crash or a reset took its counters: they know fewer rows than the catalogue, and no ANALYZE."""
        if self.last_vacuum is not None or self.last_analyze is not None:
            return False
        counted = self.counted_live + self.counted_dead
        return counted < self.tuples / 2 if self.tuples > 0 else counted == 0 and (self.pages or 0) > 0

    @property
    def live(self) -> int | None:
        """Its rows; after lost counters those of the last ANALYZE."""
        if not self.lost_counters:
            return self.counted_live
        return int(self.tuples) if self.tuples >= 0 else None

    @property
    def dead(self) -> int | None:
        """Its dead rows, unless their counter was lost."""
        return None if self.lost_counters else self.counted_dead

    @property
    def is_changed(self) -> bool:
        """Whether it is no longer as it was when it was analyzed."""
        pages = self.pages or 0
        moved = abs(pages - self.pages_then) > _CHANGED * pages
        return moved or self.modified > _CHANGED * max(self.tuples, self.counted_live, 1)

    def is_vacuum_due(self, rules: Rules) -> bool | None:
        """Whether the next round of autovacuum would vacuum it; None when the counters were lost."""
        if self.lost_counters:
            return None
        frozen = self.frozen_pages / self.pages_then if self.pages_then else 0
        return self.counted_dead > rules.vacuum_threshold(self.tuples) or (
            self.inserted > rules.insert_threshold(self.tuples, frozen)
        )

    def is_analyze_due(self, rules: Rules) -> bool | None:
        """Whether it would analyze it."""
        return None if self.lost_counters else self.modified > rules.analyze_threshold(self.tuples)


def unknowable(facts: Facts, columns: Columns | None, role: Visibility | None) -> Iterator[str]:
    """Why it is not known what the rows of a table would need, and what to type so that it is; nothing when it is."""
    if facts.pages is None:
        yield away()
    elif facts.pages < SMALL:
        yield plural("It has {number} page only.", "It has {number} pages only.", facts.pages).format(
            number=facts.pages
        )
    elif columns is None:
        yield away()
    else:
        yield from _untrustworthy(facts, columns, role)


def away() -> str:
    """What is said of a table that cannot be measured at all."""
    return _("It is locked by another session, or gone.")


def _untrustworthy(facts: Facts, columns: Columns, role: Visibility | None) -> Iterator[str]:
    analyze = f"ANALYZE {facts.name};"
    if facts.tuples < 0:
        yield _("It was never analyzed: {statement}").format(statement=analyze)
    elif facts.is_changed:
        yield _("It has changed since it was analyzed: {statement}").format(statement=analyze)
    if role is not None and not facts.may_read:
        grant = f"{role.grant(f'SELECT ON {facts.name}')};"
        yield _("This role does not see its statistics: {statement}").format(statement=grant)
    elif not columns.shows_all_rows:
        yield _("Row security hides its statistics from this role.")
    elif facts.tuples > 0 and not columns.is_known:
        yield _("Not all of its columns have statistics: {statement}").format(statement=analyze)


def remarks(facts: Facts, rules: Rules, *, is_exact: bool) -> Iterator[str]:
    """What else must be said of a table; ``rules`` are its own."""
    if facts.lost_counters and not is_exact:
        sentence = _("A crash or a reset has taken its counters, so that its dead rows are not known: {statement}")
        yield sentence.format(statement=f"ANALYZE {facts.name};")
    if rules.is_off_by_option:
        yield _("Autovacuum is off for it.")
