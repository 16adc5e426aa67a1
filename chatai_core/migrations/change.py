"""Bringing a database to another revision: planned, locked, in one transaction."""

import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from chatai_core.adapters import postgres
from chatai_core.errors import Misused
from chatai_core.i18n import _
from chatai_core.migrations import scripts, state, troubles
from chatai_core.migrations.lock import WAIT, locked
from chatai_core.plans import Plan
from chatai_core.units import Seconds

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

Action = Literal["upgrade", "downgrade"]


@dataclass(frozen=True, slots=True)
class MigrationPlan(Plan):
    """The migrations between where a database is and where it shall be; ``target`` None is no schema at all."""

    action: Action = "upgrade"
    database: str = ""
    revision: str | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Migrated:
    """What was done; nothing when the database was there already."""

    action: Action
    database: str
    before: str | None
    revision: str | None
    steps: list[str]
    duration_seconds: Seconds


def plan_upgrade(url: str, target: str = "head") -> MigrationPlan:
    """What an upgrade to this revision (head, +N, or an id's first letters) does. Raises NotFound, Misused."""
    return _planned(url, "upgrade", target)


def plan_downgrade(url: str, target: str) -> MigrationPlan:
    """What a downgrade to this revision (base, -N, or an id's first letters) undoes. Raises NotFound, Misused."""
    return _planned(url, "downgrade", target)


def upgrade(url: str, target: str = "head", *, wait: Seconds = WAIT) -> Migrated:
    """Bring the database up to this revision. Raises Busy when another migration runs for ``wait`` seconds."""
    return carry_out(url, plan_upgrade(url, target), wait=wait)


def downgrade(url: str, target: str, *, wait: Seconds = WAIT) -> Migrated:
    """Bring the database down to this revision; what later migrations made is dropped with its data."""
    return carry_out(url, plan_downgrade(url, target), wait=wait)


def carry_out(url: str, plan: MigrationPlan, *, wait: Seconds = WAIT) -> Migrated:
    """Do what was planned, all of it or nothing; what another deployment did meanwhile is not done twice."""
    began = time.monotonic()
    with troubles.explained(url), locked(url, wait=wait) as connection:
        before = state.revision_of(url)
        steps = _between(plan.action, scripts.position(before), scripts.position(plan.target))
        if steps:
            _run(connection, plan)
    after = plan.target if steps else before
    return Migrated(plan.action, plan.database, before, after, steps, time.monotonic() - began)


def _planned(url: str, action: Action, wanted: str) -> MigrationPlan:
    scripts.must_exist(wanted)  # a slip is told even when the database does not answer
    before = state.revision_of(url)
    now = scripts.position(before)
    there = scripts.target(wanted, now=now)
    if (there < now) if action == "upgrade" else (there > now):
        other = "downgrade" if action == "upgrade" else "upgrade"
        raise Misused(
            _("{wanted} is no {action} from here.").format(wanted=wanted, action=action),
            why=_("The database is at {revision}.").format(revision=before or "base"),
            hint=f"chatai migrate {other} {wanted}",
        )
    after = scripts.chain()[there].revision if there != scripts.BASE else None
    return MigrationPlan(
        summary=_summary(action, url, before, after),
        steps=_between(action, now, there),
        action=action,
        database=postgres.name_of(url),
        revision=before,
        target=after,
    )


def _summary(action: Action, url: str, before: str | None, after: str | None) -> str:
    sentence = (
        _("The database {name} at {url} goes up from {before} to {after}.")
        if action == "upgrade"
        else _("The database {name} at {url} goes down from {before} to {after}; data of dropped tables is lost.")
    )
    return sentence.format(
        name=postgres.name_of(url), url=postgres.masked(url), before=before or "base", after=after or "base"
    )


def _between(action: Action, now: int, there: int) -> list[str]:
    """One sentence for each migration on the way; none when the database is there or beyond already."""
    if action == "upgrade":
        way, sentence = scripts.chain()[now + 1 : there + 1], _("apply {revision}: {message}")
    else:
        way, sentence = scripts.chain()[there + 1 : now + 1][::-1], _("undo {revision}: {message}")
    return [sentence.format(revision=script.revision, message=script.message) for script in way]


def _run(connection: "Connection", plan: MigrationPlan) -> None:
    from alembic import command  # 150 ms that only a migration pays

    move: Callable[[Config, str], None] = command.upgrade if plan.action == "upgrade" else command.downgrade
    move(_config(connection), plan.target or "base")


def _config(connection: "Connection") -> "Config":
    """Alembic's configuration without its file: its words go to logging, the connection is ours."""
    from alembic.config import Config

    config = Config(stdout=io.StringIO(), attributes={"connection": connection})
    config.set_main_option("script_location", str(scripts.directory()).replace("%", "%%"))
    return config
