"""Tables and indexes by the names that people type: as reports show them or as SQL writes them."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chatai_core.adapters.postgres import Database, identifier, question
from chatai_core.errors import Misused, NotFound
from chatai_core.i18n import _

TABLES = ("r", "m", "p")
INDEXES = ("i", "I")

_WORD = re.compile(r'(?:"((?:[^"]|"")+)"|([^".]+))(?:\.|$)')


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or an index; ``is_visible`` without its schema."""

    oid: int
    schema: str
    name: str
    is_visible: bool


def named(database: Database, words: Sequence[str], kinds: Sequence[str] = TABLES) -> list[int]:
    """The oids of what these names mean. Raises NotFound with the nearest name, Misused when one means several."""
    if not words:
        return []
    # a report's own question depends on it: it is asked when that is explained too
    known = [Relation(**each) for each in database.value(question(__file__), kinds=list(kinds)) or ()]
    return [_meant(word, known).oid for word in words]


def must_have_schema(database: Database, schema: str | None) -> None:
    """Refuse a schema that is not in this database. Raises NotFound with the nearest name."""
    if schema is None:
        return
    known: list[str] = database.value("SELECT array_agg(nspname::text) FROM pg_namespace")
    if schema not in known:
        raise _not_found(_("There is no schema {name} in this database.").format(name=schema), schema, known)


def _meant(word: str, known: list[Relation]) -> Relation:
    shown = [relation for relation in known if word in {relation.name, f"{relation.schema}.{relation.name}"}]
    for found in (shown, *(_matching(name, known) for name in _read(word))):
        seen = [relation for relation in found if relation.is_visible] or found
        if len(seen) > 1:
            raise _ambiguous(word, seen)
        if seen:
            return seen[0]
    raise _unknown(word, known)


def _read(word: str) -> list[tuple[str | None, str]]:
    """The schema and the name in a word, as it is written and, unless quoted, as SQL folds it.

    >>> _read('public."A.b"'), _read("Schema.T")
    ([('public', 'A.b')], [('Schema', 'T'), ('schema', 't')])
    """
    parts = list(_WORD.finditer(word))
    if not parts or parts[-1].end() != len(word) or word.endswith(".") or len(parts) > 2:
        return []
    written = [part[1].replace('""', '"') if part[1] else part[2] for part in parts]
    folded = [name if part[1] else name.lower() for name, part in zip(written, parts, strict=True)]
    readings = [written] if folded == written else [written, folded]
    return [(names[0] if len(names) == 2 else None, names[-1]) for names in readings]


def _matching(name: tuple[str | None, str], known: list[Relation]) -> list[Relation]:
    schema, own = name
    return [relation for relation in known if relation.name == own and schema in {None, relation.schema}]


def _ambiguous(word: str, found: list[Relation]) -> Misused:
    names = [identifier(relation.schema, relation.name) for relation in found]
    return Misused(
        _("{name} is in more than one schema.").format(name=word),
        why=_("It could be {names}.").format(names=", ".join(names)),
        hint=names[0],
    )


def _unknown(word: str, known: list[Relation]) -> NotFound:
    names = {relation.name: relation for relation in known} | {f"{r.schema}.{r.name}": r for r in known}
    return _not_found(_("There is no {name} in this database.").format(name=word), word, names)


def _not_found(what: str, word: str, known: Iterable[str]) -> NotFound:
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return NotFound(
        what,
        why=_("Did you mean {name}?").format(name=near[0]) if near else "",
        hint="chatai db tables",
    )
