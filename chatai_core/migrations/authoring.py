"""Writing a new migration, in a checkout."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatai_core.errors import Misconfigured, Misused, Unavailable
from chatai_core.i18n import _
from chatai_core.migrations import drift, offline, scripts, state, troubles
from chatai_core.migrations.lock import unlocked
from chatai_core.plans import Plan

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST = 100


@dataclass(frozen=True, slots=True)
class Authored:
    """The migration that was written; ``path`` is None when the tables are what the models say already."""

    revision: str | None
    path: str | None
    message: str


def plan_author(message: str) -> Plan:
    """What will be written, and where. Raises Misused, or Misconfigured outside of a checkout."""
    text = _one_sentence(message)
    return Plan(
        _("Write the migration {revision} into {directory}.").format(revision=_next(), directory=_versions()),
        [_("it says: {message}").format(message=text)],
    )


def author(url: "Callable[[], str]", message: str, *, autogenerate: bool = False) -> Authored:
    """Write a migration; with ``autogenerate`` one that brings this database, at head, to what the models say.

    ``url`` is asked for then only. Raises Misused, Misconfigured.
    """
    text, revision = _one_sentence(message), _next()
    if not autogenerate:
        path = _written(offline.configured(), text, revision)
    elif not _differs(url()):
        return Authored(None, None, _("The tables are what the models say: nothing was written."))
    else:
        with troubles.explained(url()), unlocked(url()) as connection:
            path = _written(offline.configured(connection=connection), text, revision, autogenerate=True)
    scripts.chain.cache_clear()
    _tidy(path)
    return Authored(revision, str(path), text)


def _one_sentence(message: str) -> str:
    text = message.strip().rstrip(".")
    if not text or not text.isprintable() or len(text) > _LONGEST or '"""' in text or "\\" in text:
        raise Misused(
            _("A migration needs a message."),
            why=_("It is one line of at most {number} characters, without backslashes.").format(number=_LONGEST),
            hint='chatai migrate revision -m "add the table of invoices"',
        )
    return f"{text}."


def _versions() -> Path:
    """The directory of the checkout's scripts."""
    directory = scripts.directory()
    if directory.is_relative_to(scripts.PACKAGE) or not (directory.parent / "alembic.ini").exists():
        raise Misconfigured(
            _("Migrations are written in a checkout; this is an installed ChatAI."),
            why=_("Its scripts are in {directory}.").format(directory=directory),
            hint="git clone",
        )
    return directory / "versions"


def _next() -> str:
    """The number of the next migration: 0003 after 0002."""
    _versions()
    return f"{len(scripts.chain()) + 1:04}"


def _differs(url: str) -> bool:
    """Whether the tables are other than the models say. Raises Misconfigured when the database is not at head."""
    now = state.current(url)
    if not now.is_head:
        raise Misconfigured(
            _("The database is not at the newest revision."),
            why=_("It is at {revision}, the newest is {head}.").format(revision=now.revision or "base", head=now.head),
            hint="chatai migrate upgrade",
        )
    return bool(drift.differences(url))


def _written(config: Any, message: str, revision: str, *, autogenerate: bool = False) -> Path:
    from alembic import command

    made: Any = command.revision(config, message=message, rev_id=revision, autogenerate=autogenerate)
    return Path(made.path)


def _tidy(path: Path) -> None:
    """In our style, where ruff is at hand."""
    from chatai_core.adapters import command as programs  # logging and more, which ``migrate current`` need not pay

    ruff = Path(sys.executable).with_name("ruff")
    for words in (("check", "--fix", "--quiet"), ("format", "--quiet")):
        try:
            programs.run([ruff, *words, path], directory=path.parent, check=False)
        except Unavailable:
            return
