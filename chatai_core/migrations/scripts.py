"""The migration scripts of this installation, read without importing Alembic (370 ms that a report would pay)."""

import ast
import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chatai_core.errors import Misconfigured, NotFound
from chatai_core.i18n import _

PACKAGE = Path(__file__).resolve().parents[1]

_RELATIVE = re.compile(r"[+-]\d+")
BASE = -1  # the position of a database that has no migration yet


@dataclass(frozen=True, slots=True)
class Script:
    """One migration as its file declares it."""

    revision: str
    down_revision: str | None
    message: str
    date: datetime | None


def directory() -> Path:
    """Where the scripts are: inside the installed package, or beside it in a checkout."""
    for candidate in (PACKAGE / "_alembic", PACKAGE.parent / "alembic"):
        if (candidate / "versions").is_dir():
            return candidate
    raise Misconfigured(
        _("This installation has no migrations."),
        why=_("Neither {installed} nor {checkout} has a directory versions.").format(
            installed=PACKAGE / "_alembic", checkout=PACKAGE.parent / "alembic"
        ),
        hint="pip install --force-reinstall chatai",
    )


@functools.cache
def chain() -> tuple[Script, ...]:
    """All migrations, the oldest first. Raises Misconfigured when they are no single line."""
    found = [_read(path) for path in sorted((directory() / "versions").glob("*.py"))]
    by_parent = {script.down_revision: script for script in found}
    line: list[Script] = []
    while following := by_parent.get(line[-1].revision if line else None):
        line.append(following)
    if len(line) != len(found):
        raise Misconfigured(
            _("The migrations are not one line from the first to the last."),
            why=_("{count} of them in {directory} do not follow another.").format(
                count=len(found) - len(line), directory=directory()
            ),
        )
    return tuple(line)


def position(revision: str | None) -> int:
    """Where in the chain a database at this revision stands. Raises Misconfigured when it is unknown here."""
    if revision is None:
        return BASE
    for place, script in enumerate(chain()):
        if script.revision == revision:
            return place
    raise Misconfigured(
        _("The database is at revision {revision}, which this version of ChatAI does not know.").format(
            revision=revision
        ),
        why=_("It was migrated by another version; this one ends at {head}.").format(head=chain()[-1].revision),
        hint="chatai --version",
    )


def revision_at(place: int) -> str | None:
    """The revision at this position; None before the first."""
    return None if place == BASE else chain()[place].revision


def must_exist(wanted: str) -> None:
    """Refuse what is no revision, wherever the database stands. Raises NotFound."""
    if not _RELATIVE.fullmatch(wanted):
        target(wanted, now=BASE)


def target(wanted: str, *, now: int) -> int:
    """The position that is meant: head, base, +N, -N (from ``now``), or a revision's first letters."""
    if _RELATIVE.fullmatch(wanted):
        return _relative(wanted, now)
    if wanted == "base":
        return BASE
    if wanted in {"head", "heads"}:
        return len(chain()) - 1
    matches = [place for place, script in enumerate(chain()) if wanted and script.revision.startswith(wanted)]
    exact = [place for place in matches if chain()[place].revision == wanted]
    if len(exact or matches) != 1:
        raise NotFound(
            _("There is no revision {wanted}.").format(wanted=repr(wanted)),
            why=_("{count} revisions begin with it.").format(count=len(matches)),
            hint="chatai migrate history",
        )
    return (exact or matches)[0]


def _relative(wanted: str, now: int) -> int:
    place = now + int(wanted)
    if not BASE <= place < len(chain()):
        raise NotFound(
            _("There is no revision {wanted} from here.").format(wanted=wanted),
            why=_("There are {older} before this one and {newer} after it.").format(
                older=now - BASE, newer=len(chain()) - 1 - now
            ),
            hint="chatai migrate history",
        )
    return place


def _read(path: Path) -> Script:
    module = ast.parse(path.read_text("utf-8"), str(path))
    declared = dict(_literals(module.body))
    described = ast.get_docstring(module) or path.stem
    created = re.search(r"^Create Date: (.+)$", described, re.MULTILINE)
    return Script(
        revision=declared["revision"],
        down_revision=declared["down_revision"],
        message=described.partition("\n")[0].strip().rstrip("."),
        date=datetime.fromisoformat(created[1]).astimezone(UTC) if created else None,
    )


def _literals(body: Sequence[ast.stmt]) -> "list[tuple[str, Any]]":
    """The names that a module gives a plain value."""
    given: list[tuple[str, Any]] = []
    for statement in body:
        name = statement.targets[0] if isinstance(statement, ast.Assign) else getattr(statement, "target", None)
        value = getattr(statement, "value", None)
        if isinstance(name, ast.Name) and isinstance(value, ast.Constant):
            given.append((name.id, value.value))
    return given
