"""How indexes are made: the statements that drop one, and those that make exactly the same one again."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from chatai_core.adapters.postgres import Database, question
from chatai_core.database import unlocked
from chatai_core.i18n import _


@dataclass(frozen=True, slots=True)
class Definition:
    """An index as SQL; ``undo_sql`` makes it, its comment and its statistics again after ``drop_sql``."""

    columns: list[str]
    definition: str
    drop_sql: str
    undo_sql: str


@dataclass(frozen=True, slots=True)
class _Node:
    """An index, or one of those that a partitioned index is made of."""

    root: int
    is_root: bool
    depth: int
    name: str
    parent: str | None
    is_partitioned: bool
    definition: str | None
    predicate: str | None
    columns: list[str]
    tablespace: str | None
    comment: str | None
    statistics: list[str]


def of(database: Database, indexes: Sequence[int]) -> dict[int, Definition]:
    """The definitions of indexes by oid; one that is gone or locked has none."""
    nodes = unlocked.rows(database, _Node, question(__file__), indexes=list(indexes)) if indexes else []
    trees = {root: list(tree) for root, tree in groupby(nodes, key=lambda node: node.root)}
    return {root: _definition(tree) for root, tree in trees.items() if all(node.definition for node in tree)}


def told(drop_sql: Iterable[str | None]) -> list[str]:
    """Where the statements are read that a table for people leaves out; nothing when there are none."""
    return [_("drop_sql and undo_sql are shown by --json.")] if any(drop_sql) else []


def _definition(tree: list[_Node]) -> Definition:
    root = tree[0]
    assert root.definition is not None
    return Definition(
        columns=root.columns,
        definition=root.definition,
        # PostgreSQL drops a partitioned index in no other way
        drop_sql=f"DROP INDEX {'' if root.is_partitioned else 'CONCURRENTLY '}{root.name};",
        undo_sql="\n".join(f"{statement};" for statement in _making(tree)),
    )


def _making(tree: list[_Node]) -> list[str]:
    """Each part without a lock that stops writes; a partitioned index is put together of its parts."""
    made = [statement for node in tree for statement in (_create(node), *_ornaments(node))]
    return made + [
        f"ALTER INDEX {node.parent} ATTACH PARTITION {node.name}" for node in reversed(tree) if not node.is_root
    ]


def _create(node: _Node) -> str:
    """The definition without its tablespace is PostgreSQL's own; a partitioned index is made ON ONLY its table."""
    text, predicate = node.definition or "", f" WHERE {node.predicate}" if node.predicate else ""
    if node.tablespace:
        text = f"{text.removesuffix(predicate)} TABLESPACE {node.tablespace}{predicate}"
    return text if node.is_partitioned else re.sub(r"^CREATE (UNIQUE )?INDEX ", r"CREATE \1INDEX CONCURRENTLY ", text)


def _ornaments(node: _Node) -> list[str]:
    comment = [f"COMMENT ON INDEX {node.name} IS {node.comment}"] if node.comment else []
    return comment + [f"ALTER INDEX {node.name} {statistics}" for statistics in node.statistics]
