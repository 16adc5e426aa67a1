"""Ending queries and sessions: planned with what is seen, carried out on nothing else, and watched until they are gone.

A session is its process number and its ``backend_start``. Both are compared in the statement that signals, so that
whoever gets the number later is safe.
"""

from dataclasses import dataclass, field
from datetime import datetime

from chatai_core.adapters import postgres
from chatai_core.adapters.postgres import Database
from chatai_core.database import long, sessions, statements, visibility
from chatai_core.database.ending import refusals, signals
from chatai_core.database.ending.refusals import who
from chatai_core.database.ending.signals import Action, Ended, Target
from chatai_core.database.sessions import Session
from chatai_core.errors import Busy, NotFound
from chatai_core.findings import Rows
from chatai_core.i18n import _, plural
from chatai_core.plans import Remarked
from chatai_core.units import Seconds, show_seconds

WAIT: Seconds = 10.0
CANCEL_FOR: Seconds = 5.0


@dataclass(frozen=True, slots=True)
class Left:
    """A session that is not ended, and why."""

    pid: int
    user: str | None
    application: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class EndingPlan(Remarked):
    """Which sessions (or, to cancel: queries) are to be ended, and how patiently. ``over`` seconds or None."""

    action: Action = "terminate"
    database: str = ""
    sessions: list[Target] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    over: Seconds | None = None
    wait: Seconds = WAIT
    cancel_for: Seconds = 0.0


def plan(
    database: Database,
    pid: int,
    action: Action,
    *,
    started: datetime | None = None,
    force: bool = False,
    now: bool = False,
    wait: Seconds | None = None,
) -> EndingPlan:
    """End the query or the session of this process number (that began then).

    Terminating cancels a running query first, unless ``now``. Raises NotFound, and NotPermitted for what is protected
    (unless ``force``), for ourselves, for the server's own processes and for what the role may not end.
    """
    wait = WAIT if wait is None else wait
    session = _found(database, pid, started)
    refused = refusals.refusal(database, session, action, force=force)
    if refused is not None:
        raise refused
    target = _target(session)
    cancel_for = 0.0 if now or action == "cancel" or not target.is_running else min(CANCEL_FOR, wait)
    return EndingPlan(
        summary=_summary(action, session),
        steps=[*_steps_to_end(session, cancel_for, action), _until(wait)],
        statements=_statements(action, [target], cancel_for, None),
        action=action,
        database=postgres.name_of(database.url),
        sessions=[target],
        wait=wait,
        cancel_for=cancel_for,
    )


def plan_lasting(
    database: Database,
    *,
    over: Seconds | None = None,
    limit: int | None = None,
    everywhere: bool = False,
    force: bool = False,
    now: bool = False,
    wait: Seconds | None = None,
) -> EndingPlan:
    """Terminate what ``long.running`` lists, but for what is protected (unless ``force``) and what we may not end."""
    over, wait = long.OVER if over is None else over, WAIT if wait is None else wait
    chosen, left = _sorted_out(database, over, everywhere=everywhere, force=force)
    chosen = chosen[:limit]
    targets, cancel_for = list(map(_target, chosen)), 0.0 if now else min(CANCEL_FOR, wait)
    hidden = visibility.look(database).sessions_hidden
    return EndingPlan(
        summary=_summary_of_many(targets, database, over),
        steps=[_("terminate {who}: {doing}").format(who=who(each), doing=_doing(each)) for each in chosen],
        statements=_statements("terminate", targets, cancel_for, over),
        remarks=[
            *(_("{who} is left. {reason}").format(who=who(session), reason=reason) for session, reason in left),
            *([hidden] if hidden else []),
        ],
        database=postgres.name_of(database.url),
        sessions=targets,
        left=[Left(session.pid, session.user, session.application, reason) for session, reason in left],
        over=over,
        wait=wait,
        cancel_for=cancel_for,
    )


def carry_out(database: Database, plan: EndingPlan) -> Rows[Ended]:
    """End what was planned, if it is still the same; what happened to each, and Busy as ``failure`` of who stays."""
    if plan.action == "cancel":
        done = signals.cancel(database, plan.sessions, wait=plan.wait)
    else:
        done = signals.terminate(database, plan.sessions, wait=plan.wait, over=plan.over, cancel_for=plan.cancel_for)
    remaining = [each for each in done if not each.confirmed]
    return Rows(done, failure=_still_there(plan, remaining, len(done)) if remaining else None)


def carry_out_one(database: Database, plan: EndingPlan) -> Ended:
    """The same of a plan for one session. Raises Busy when it does not go away."""
    rows = carry_out(database, plan)
    if rows.failure is not None:
        raise rows.failure
    return rows[0]


def _found(database: Database, pid: int, started: datetime | None) -> Session:
    session = sessions.find(database, pid)
    if session is None:
        raise NotFound(_("There is no session {pid}.").format(pid=pid), hint="chatai db activity")
    if started is not None and session.backend_start is not None and session.backend_start != started:
        raise NotFound(
            _("The session {pid} that began at {started} has ended.").format(pid=pid, started=started),
            why=_("The number belongs to one that began at {began}.").format(began=session.backend_start),
            hint="chatai db activity",
        )
    return session


def _sorted_out(
    database: Database, over: Seconds, *, everywhere: bool, force: bool
) -> tuple[list[Session], list[tuple[Session, str]]]:
    """Those to be ended, and those to be left, each with the reason."""
    ended, left = list[Session](), list[tuple[Session, str]]()
    for session in long.lasting(database, over, everywhere=everywhere):
        refused = refusals.refusal(database, session, "terminate", force=force)
        if refused is not None:
            left.append((session, refused.why))
        elif session.kind != "client backend" and not force:  # autovacuum, say: it lasts, and would begin again
            left.append((session, _("It is no client's session but of the kind {kind}.").format(kind=session.kind)))
        else:
            ended.append(session)
    return ended, left


def _target(session: Session) -> Target:
    assert session.backend_start is not None, "Who cannot see it has been refused."
    return Target(
        pid=session.pid,
        backend_start=session.backend_start,
        query_start=session.query_start,
        user=session.user,
        application=session.application,
        database=session.database,
        state=session.state,
        duration_seconds=session.duration_seconds,
        query=statements.shown(session.query),
        is_running=not (session.state or "idle").startswith("idle"),
    )


def _statements(action: Action, targets: list[Target], cancel_for: Seconds, over: Seconds | None) -> list[str]:
    """Every statement that signals, in the order of signalling."""
    if action == "cancel":
        return [signals.statement("cancel", target) for target in targets]
    cancelled = [signals.statement("cancel", target) for target in targets if cancel_for and target.is_running]
    return cancelled + [signals.statement("terminate", target, over) for target in targets]


def _summary(action: Action, session: Session) -> str:
    sentence = (
        _("Cancel the query of the session {who} in {database}.")
        if action == "cancel"
        else _("Terminate the session {who} in {database}.")
    )
    return sentence.format(who=who(session), database=session.database or "-")


def _summary_of_many(targets: list[Target], database: Database, over: Seconds) -> str:
    """With their numbers, since audit.log has nothing else of them."""
    if not targets:
        return _("Nothing that could be ended lasts longer than {time}.").format(time=show_seconds(over))
    sentence = plural(
        "Terminate {count} session of {database}, which lasts longer than {time}: {pids}.",
        "Terminate {count} sessions of {database}, which last longer than {time}: {pids}.",
        len(targets),
    )
    return sentence.format(
        count=len(targets),
        database=postgres.name_of(database.url),
        time=show_seconds(over),
        pids=", ".join(str(target.pid) for target in targets),
    )


def _steps_to_end(session: Session, cancel_for: Seconds, action: Action) -> list[str]:
    if action == "cancel":
        return [_("cancel its query: {doing}").format(doing=_doing(session))]
    first = _("cancel its query and give it {time} to end").format(time=show_seconds(cancel_for))
    return [*([first] if cancel_for else []), _("terminate it: {doing}").format(doing=_doing(session))]


def _until(wait: Seconds) -> str:
    return _("see within {time} that it is gone").format(time=show_seconds(wait))


def _doing(session: Session) -> str:
    """What it does, since when, in one line."""
    time = "?" if session.duration_seconds is None else show_seconds(session.duration_seconds)
    state = session.state or session.kind or "?"
    return _("{state} for {time}: {query}").format(
        state=state, time=time, query=statements.begins(statements.shown(session.query))
    )


def _still_there(plan: EndingPlan, remaining: list[Ended], count: int) -> Busy:
    """Who has not gone away, and what it does instead."""
    time, hint = show_seconds(plan.wait), "chatai db activity"
    if plan.action == "cancel":
        what = _("The query of the session {pid} still runs after {time}.").format(pid=remaining[0].pid, time=time)
        hint = f"chatai db terminate {remaining[0].pid}"
    elif count == 1:
        what = _("The session {pid} is still there after {time}.").format(pid=remaining[0].pid, time=time)
    else:
        what = _("Of {count} sessions, {remaining} are still there after {time}.").format(
            count=count, remaining=len(remaining), time=time
        )
    return Busy(what, why=" ".join(map(_what_it_does_instead, remaining)), hint=hint)


def _what_it_does_instead(ended: Ended) -> str:
    if ended.wait is not None:
        return _("{pid} is {state} and waits for {wait}.").format(pid=ended.pid, state=ended.state, wait=ended.wait)
    return _("{pid} is {state}: what it has changed must be undone first, or it does not listen.").format(
        pid=ended.pid, state=ended.state
    )
