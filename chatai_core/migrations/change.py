"""Bringing a database to another revision: planned, locked, in one transaction, tried again when a lock is taken."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chatai_core.migrations import offline, scripts, state, troubles
from chatai_core.migrations.adoption.repairs import Repair
from chatai_core.migrations.attempts import tried
from chatai_core.migrations.lock import locked
from chatai_core.migrations.plan import Action, MigrationPlan, between, plan_downgrade, plan_upgrade
from chatai_core.migrations.terms import Terms
from chatai_core.units import Seconds

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Migrated:
    """What was done; nothing when the database was there already. ``remarks`` say what is left to do."""

    action: Action
    database: str
    before: str | None
    revision: str | None
    steps: list[str]
    duration_seconds: Seconds
    attempts: int = 0
    repairs: list[Repair] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def upgrade(url: str, target: str = "head", terms: Terms = Terms()) -> Migrated:
    """Bring the database up to this revision. Raises Busy when another migration, or a lock, does not end."""
    return carry_out(url, plan_upgrade(url, target, terms), terms)


def downgrade(url: str, target: str, terms: Terms = Terms()) -> Migrated:
    """Bring the database down to this revision; what later migrations made is dropped with its data."""
    return carry_out(url, plan_downgrade(url, target, terms), terms)


def stamp(url: str, plan: MigrationPlan, terms: Terms = Terms()) -> Migrated:
    """Write down the revision that was planned; the tables stay as they are."""
    began = time.monotonic()
    with troubles.explained(url), locked(url, terms) as connection:
        before = state.stand(url).revision
        _done, attempts = tried(url, connection, terms, lambda: _stamp(connection, plan))
    return Migrated("stamp", plan.database, before, plan.target, plan.steps, time.monotonic() - began, attempts)


def carry_out(url: str, plan: MigrationPlan, terms: Terms = Terms()) -> Migrated:
    """Do what was planned, all of it or nothing; what another deployment did meanwhile is not done twice."""
    began, repairs, attempts = time.monotonic(), list[Repair](), 0
    with troubles.explained(url), locked(url, terms) as connection:
        stands = state.stand(url)
        steps = between(plan.action, stands.place, scripts.position(plan.target))
        if steps:
            repairs, attempts = tried(url, connection, terms, lambda: _run(connection, plan, stands, terms))
    adopted = bool(steps) and stands.former is not None
    return Migrated(
        action=plan.action,
        database=plan.database,
        before=stands.revision,
        revision=plan.target if steps else stands.revision,
        steps=plan.steps if adopted else steps,
        duration_seconds=time.monotonic() - began,
        attempts=attempts,
        repairs=repairs,
        remarks=_after_adoption(url, plan, terms) if adopted else [],
    )


def _run(connection: "Connection", plan: MigrationPlan, stands: state.Stand, terms: Terms) -> list[Repair]:
    """One attempt: all of it in one transaction. What was made to fit on the way."""
    from alembic import command  # 150 ms that only a migration pays

    move: Callable[[Config, str], None] = command.upgrade if plan.action == "upgrade" else command.downgrade
    with connection.begin():
        repairs = _adopt(connection, stands, terms)
        move(offline.configured(connection=connection), plan.target or "base")
    return repairs


def _adopt(connection: "Connection", stands: state.Stand, terms: Terms) -> list[Repair]:
    if stands.former is None:
        return []
    from chatai_core.migrations.adoption import adopting

    assert terms.cipher is not None, "The plan has refused it."
    return adopting.carry_out(connection, stands.former, terms.cipher()).repairs


def _after_adoption(url: str, plan: MigrationPlan, terms: Terms) -> list[str]:
    """Erase what a transaction cannot; what that leaves undone, and what nobody has asked the plan for."""
    from chatai_core.migrations.adoption import adopting

    undone = adopting.erase(url)
    for remark in (*plan.warnings, *undone):
        terms.tell(remark)
    return undone


def _stamp(connection: "Connection", plan: MigrationPlan) -> None:
    from alembic import command

    with connection.begin():
        command.stamp(offline.configured(connection=connection), plan.target or "base", purge=True)
