"""What a migration would do: which revisions, which statements, whom they keep out, and whether there is a way back."""

from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from chatai_core import restore_points
from chatai_core.adapters import postgres
from chatai_core.adapters.postgres import Database
from chatai_core.errors import Misconfigured, Misused, NotPermitted
from chatai_core.i18n import _
from chatai_core.migrations import footprint, offline, scripts, state, troubles
from chatai_core.migrations.adoption import former
from chatai_core.migrations.adoption.recognition import Former
from chatai_core.migrations.adoption.repairs import Repair
from chatai_core.migrations.attempts import tried
from chatai_core.migrations.footprint import TableLock
from chatai_core.migrations.terms import ATTEMPTS, LOCK_TIMEOUT, Terms
from chatai_core.plans import Remarked
from chatai_core.units import Seconds, show_seconds

Action = Literal["upgrade", "downgrade", "stamp"]

_LOOKING = {"lock_timeout": "50ms"}


@dataclass(frozen=True, slots=True)
class MigrationPlan(Remarked):
    """The migrations between where a database is and where it shall be; ``target`` None is no schema at all.

    ``locks`` are the tables that others are kept from, each for at most ``attempts`` times ``lock_timeout_seconds``
    of waiting; ``backup`` is the newest verified one of this database. ``adopts`` when a former ChatAI has made it;
    ``warnings`` are what is left to be done by hand then.
    """

    action: Action = "upgrade"
    database: str = ""
    revision: str | None = None
    target: str | None = None
    adopts: bool = False
    locks: list[TableLock] = field(default_factory=list)
    lock_timeout_seconds: Seconds = LOCK_TIMEOUT
    attempts: int = ATTEMPTS
    repairs: list[Repair] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    backup: str | None = None
    backup_age_seconds: Seconds | None = None
    is_empty: bool = False


def plan_upgrade(url: str, target: str = "head", terms: Terms = Terms()) -> MigrationPlan:
    """What an upgrade to this revision (head, +N, or an id's first letters) does. Raises NotFound, Misused."""
    return _planned(url, "upgrade", target, terms)


def plan_downgrade(url: str, target: str, terms: Terms = Terms()) -> MigrationPlan:
    """What a downgrade to this revision (base, -N, or an id's first letters) undoes. Raises NotFound, Misused."""
    return _planned(url, "downgrade", target, terms)


def plan_stamp(url: str, target: str, terms: Terms = Terms()) -> MigrationPlan:
    """Write down a revision that the tables have already. Raises NotFound."""
    return _planned(url, "stamp", target, terms)


def between(action: Action, now: int, there: int) -> list[str]:
    """One sentence for each migration on the way; none when the database is there or beyond already."""
    if action == "upgrade":
        way, sentence = scripts.chain()[now + 1 : there + 1], _("apply {revision}: {message}")
    else:
        way, sentence = scripts.chain()[there + 1 : now + 1][::-1], _("undo {revision}: {message}")
    return [sentence.format(revision=script.revision, message=script.message) for script in way]


def refusal(plan: MigrationPlan, *, hours: float) -> NotPermitted | None:
    """Why production must not be upgraded now: what it holds has no verified backup of the last hours."""
    age = plan.backup_age_seconds
    if plan.action != "upgrade" or not plan.steps or plan.is_empty or (age is not None and age <= hours * 3600):
        return None
    return NotPermitted(
        _("The database {name} has no verified backup of the last {hours} hours.").format(
            name=plan.database, hours=f"{hours:g}"
        ),
        why=_backup_sentence(plan.backup, age),
        hint="chatai db backup",
    )


def _planned(url: str, action: Action, wanted: str, terms: Terms) -> MigrationPlan:
    scripts.must_exist(wanted)  # a slip is told even when the database does not answer
    with closing(Database(url, settings=_LOOKING)) as database:
        stands = state.stand(database)
        _require_schema(url, database)
        if action == "stamp":
            return _stamp(url, stands, wanted)
        now = stands.place
        there = scripts.target(wanted, now=now)
        _require_direction(action, wanted, stands.revision, there - now)
        if there == scripts.BASE < now:
            _require_way_back(database)
        plan = _plain(url, action, now, there)
        if plan.steps and stands.former is not None:
            try:
                plan = _adopting(url, stands.former, plan, terms)
            except Misconfigured:
                if state.stand(database).former is not None:
                    raise
                return _planned(url, action, wanted, terms)  # another deployment has just adopted it
        return _with_consequences(database, plan, terms) if plan.steps else plan


def _require_direction(action: Action, wanted: str, revision: str | None, distance: int) -> None:
    if distance < 0 if action == "upgrade" else distance > 0:
        other = "downgrade" if action == "upgrade" else "upgrade"
        raise Misused(
            _("{wanted} is no {action} from here.").format(wanted=wanted, action=action),
            why=_("The database is at {revision}.").format(revision=revision or "base"),
            hint=f"chatai migrate {other} {wanted}",
        )


def _require_schema(url: str, database: Database) -> None:
    if database.value("SELECT current_schema() IS NULL"):
        raise troubles.no_schema(url, database.value("SELECT current_setting('search_path')"))


def _require_way_back(database: Database) -> None:
    """Below the first revision there is nothing, and the rows of an adopted database were there before it."""
    if database.value("SELECT to_regclass(%(name)s) IS NOT NULL", name=former.NOTES):
        raise NotPermitted(
            _("This database was adopted from a former ChatAI: the first revision cannot be undone."),
            why=_("That would not bring the former tables back, it would drop them with their rows."),
            hint="chatai migrate history",
        )


def _plain(url: str, action: Action, now: int, there: int) -> MigrationPlan:
    before, after = scripts.revision_at(now), scripts.revision_at(there)
    steps = between(action, now, there)
    return MigrationPlan(
        summary=_summary(action, url, before, after),
        steps=steps,
        statements=offline.statements(now, there) if steps else [],
        action=action,
        database=postgres.name_of(url),
        revision=before,
        target=after,
        is_empty=now == scripts.BASE,
    )


def _adopting(url: str, found: Former, plan: MigrationPlan, terms: Terms) -> MigrationPlan:
    """The same from a former ChatAI's database: its tables are brought to the first revision in place of made."""
    from chatai_core.migrations.adoption import adopting
    from chatai_core.migrations.lock import unlocked

    found.require_adoptable()
    if terms.cipher is None:
        raise Misconfigured(found.note(), hint="chatai migrate upgrade --dry-run")
    terms.cipher()  # a key that is missing is told now
    with unlocked(url, terms) as connection:
        adoption, _attempt = tried(url, connection, terms, lambda: adopting.look(connection, found))
    first, there = scripts.revision_at(0), scripts.position(plan.target)
    return replace(
        plan,
        summary=_("The database {name} at {url} is adopted from a former ChatAI, and goes up to {after}.").format(
            name=plan.database, url=postgres.masked(url), after=plan.target
        ),
        steps=[_("adopt the tables of a former ChatAI as {revision}").format(revision=first), *plan.steps[1:]],
        statements=[*adoption.statements, *(offline.statements(0, there) if there > 0 else [])],
        remarks=[*adoption.remarks, *adoption.warnings],
        warnings=adoption.warnings,
        adopts=True,
        repairs=adoption.repairs,
        is_empty=False,
    )


def _with_consequences(database: Database, plan: MigrationPlan, terms: Terms) -> MigrationPlan:
    """Whom it keeps out, for how long it may wait for them, and which backup there is."""
    locks = footprint.locks(database, plan.statements)
    backup, age = _newest_backup(terms.backups, plan.database)
    remarks = [*plan.remarks, *map(_repair_sentence, plan.repairs), *(one.sentence() for one in locks)]
    if locks:
        remarks.append(
            _("A lock is waited for {seconds} s at most, then all is undone; it is tried {attempts} times.").format(
                seconds=f"{terms.lock_timeout:g}", attempts=terms.attempts
            )
        )
    if terms.backups is not None and not plan.is_empty:
        remarks.append(_backup_sentence(backup, age))
    return replace(
        plan,
        remarks=remarks,
        locks=locks,
        lock_timeout_seconds=terms.lock_timeout,
        attempts=terms.attempts,
        backup=backup,
        backup_age_seconds=age,
    )


def _stamp(url: str, stands: state.Stand, wanted: str) -> MigrationPlan:
    if stands.former is not None and stands.former.is_adoptable:
        raise NotPermitted(
            _("A former ChatAI's database is adopted, not stamped."),
            why=stands.former.note(),
            hint="chatai migrate upgrade --dry-run",
        )
    relative = wanted[:1] in {"+", "-"}
    target = scripts.revision_at(scripts.target(wanted, now=stands.place if relative else scripts.BASE))
    there = target or "base"
    insert = [f"INSERT INTO alembic_version (version_num) VALUES ('{target}')"] if target else []  # noqa: S608
    return MigrationPlan(
        summary=_("The database {name} at {url} is said to be at {revision}; no table is changed.").format(
            name=postgres.name_of(url), url=postgres.masked(url), revision=there
        ),
        steps=[_("write {revision} in place of {before}").format(revision=there, before=stands.revision or "base")],
        statements=["DELETE FROM alembic_version", *insert],
        remarks=[_("Whether the tables are those of {revision} says: chatai migrate check.").format(revision=there)],
        action="stamp",
        database=postgres.name_of(url),
        revision=stands.revision,
        target=target,
    )


def _newest_backup(directory: Path | None, database: str) -> tuple[str | None, Seconds | None]:
    """The id and the age of the newest verified backup of this database."""
    point = restore_points.newest_verified(directory, database) if directory else None
    return (point.id, (datetime.now(UTC) - point.created_at).total_seconds()) if point else (None, None)


def _backup_sentence(backup: str | None, age: Seconds | None) -> str:
    if backup is None or age is None:
        return _("There is no verified backup of this database.")
    return _("The newest verified backup, {id}, is {age} old.").format(id=backup, age=show_seconds(max(age, 0)))


def _repair_sentence(repair: Repair) -> str:
    return _("{rows} rows of {table}, {column}: {rule}.").format(
        rows=repair.rows, table=repair.table, column=repair.column, rule=repair.rule
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
