"""Why a session may not be ended, and what would let it be."""

from chatai_core.adapters.postgres import Database
from chatai_core.database import visibility
from chatai_core.database.ending.signals import Action
from chatai_core.database.sessions import Protection, Session
from chatai_core.errors import ChataiError, NotFound, NotPermitted
from chatai_core.i18n import _


def refusal(database: Database, session: Session, action: Action, *, force: bool) -> ChataiError | None:
    """The error that refuses it, its ``why`` one sentence; None when it may be ended."""
    obstacle = _identity(database, session) or _kind(session, action) or _right(database, session, action)
    if obstacle is None and session.protected and not force:
        obstacle = protection(session.protected), f"chatai db {action} {session.pid} --force"
    if obstacle is not None:
        why, hint = obstacle
        return NotPermitted(_("The session {who} is not to be ended.").format(who=who(session)), why=why, hint=hint)
    return _nothing_to_cancel(session) if action == "cancel" else None


def who(session: Session) -> str:
    """The session as people name it: its number, role and application."""
    names = [name for name in (session.user, session.application or session.kind) if name]
    return f"{session.pid} ({', '.join(names)})" if names else str(session.pid)


def protection(reason: Protection) -> str:
    """What would be lost, in one sentence."""
    return {
        "migration": _("It is protected: it changes the tables of the database."),
        "backup": _("It is protected: it is a backup, which would have to begin again."),
        "restore": _("It is protected: it restores a backup, and would leave half of it."),
        "wraparound": _("It is protected: it keeps transaction numbers from running out, and would begin again."),
        "replication": _("It is protected: a replica or a subscription lives on it."),
        "index": _("It is protected: it builds an index concurrently, and would leave an invalid one."),
    }[reason]


def _identity(database: Database, session: Session) -> tuple[str, str] | None:
    if session.is_own:
        return _("It is this command itself."), "chatai db activity"
    if session.kind is None:
        seen = visibility.look(database)
        why = _("The role {role} cannot see when it began, so it cannot tell it from the next of this number.")
        return why.format(role=seen.role), f"{seen.grant('pg_monitor')};"
    return None


def _kind(session: Session, action: Action) -> tuple[str, str] | None:
    if session.leader_pid is not None and session.kind == "parallel worker":
        why = _("It helps the session {pid} with a parallel query.").format(pid=session.leader_pid)
        return why, f"chatai db {action} {session.leader_pid}"
    is_of_somebody = session.user is not None and session.database is not None
    if not is_of_somebody and session.kind not in {"walsender", "autovacuum worker"}:
        why = _("It is a process of the server itself: {kind}.").format(kind=session.kind)
        return why, "chatai db activity --all"
    return None


def _right(database: Database, session: Session, action: Action) -> tuple[str, str] | None:
    if session.lacks is None:
        return None
    seen = visibility.look(database)
    if session.lacks == "superuser":
        why = _("It is a superuser's or the server's own: only a superuser may end it, and {role} is none.")
        return why.format(role=seen.role), f"DATABASE_URL=postgresql://postgres@… chatai db {action} {session.pid}"
    why = _("The role {role} may end its own sessions only.").format(role=seen.role)
    return why, f"{seen.grant(session.lacks)};"


def _nothing_to_cancel(session: Session) -> ChataiError | None:
    if not (session.state or "").startswith("idle"):
        return None
    return NotFound(
        _("The session {who} runs no query that could be cancelled.").format(who=who(session)),
        why=_("It is {state}.").format(state=session.state),
        hint=f"chatai db terminate {session.pid}",
    )
