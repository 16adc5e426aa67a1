"""Making what DATABASE_URL asks for: the role, the database, its right to make tables, the extensions."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from chatai_core.adapters import postgres
from chatai_core.adapters.postgres import Address, Session, identifier, psql
from chatai_core.database import circumstances
from chatai_core.database.setup import administrators, names, steps
from chatai_core.database.setup.administrators import Administrator
from chatai_core.database.setup.steps import REQUIRED, USEFUL, Inside, Server, Step
from chatai_core.errors import AccessRefused, Busy, ChataiError, DatabaseMissing, NotPermitted, Unavailable
from chatai_core.i18n import _
from chatai_core.plans import Remarked, typed

_LOCK = int.from_bytes(b"chatsetu", "big")


@dataclass(frozen=True, slots=True)
class SetupPlan(Remarked):
    """What will be made, and by whom; ``refusal`` is why it cannot be."""

    todo: list[Step] = field(default_factory=list)
    by: Administrator | None = field(default=None, repr=False)
    extensions: list[str] = field(default_factory=list)
    set_password: bool = False
    refusal: ChataiError | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """The database, proven by a table that the role has made in it; what of it was made now, and what was there."""

    database: str
    role: str
    url: str
    server_version: str
    made: list[str]
    was_there: list[str]
    notes: list[str]


@dataclass(frozen=True, slots=True)
class _View:
    """What somebody sees; ``inside`` is None while there is no database."""

    by: Administrator
    server: Server
    inside: Inside | None


@dataclass(frozen=True, slots=True)
class _Goal:
    """What shall be there in the end."""

    url: str
    address: Address
    extensions: list[str]
    set_password: bool

    def lacking(self, server: Server, inside: Inside | None) -> list[Step]:
        return steps.lacking(self.address, server, inside, self.extensions, set_password=self.set_password)

    def wanting(self, server: Server, inside: Inside | None) -> list[Step]:
        """What is lacking and what is useful besides."""
        lacking = self.lacking(server, inside)
        return [*lacking, *steps.useful(server, inside, lacking)]

    def look(self, by: Administrator) -> _View:
        """Raises what Database raises, NotPermitted for a replica, Misconfigured when an extension is not installed."""
        with by.session() as session:
            circumstances.must_be_primary(session.database)
            server = steps.server(session.database, self.address, self.extensions)
        steps.must_be_available(server, self.extensions)
        if not server.has_database:
            return _View(by, server, None)
        with by.session(self.address.database) as session:
            return _View(by, server, steps.inside(session.database, self.address))

    def plan(
        self, todo: Sequence[Step], first: str, by: Administrator | None, refusal: ChataiError | None
    ) -> SetupPlan:
        return SetupPlan(
            summary=_("Make the database {database} ready for the role {role} at {url}.").format(
                database=self.address.database, role=self.address.role, url=postgres.masked(self.url)
            ),
            steps=[first, *(step.thing for step in todo)],
            statements=_written(self.address, todo),
            remarks=names.remarks(self.address),
            todo=list(todo),
            by=by,
            extensions=self.extensions,
            set_password=self.set_password,
            refusal=refusal,
        )


def plan(
    url: str, admin: Administrator | None = None, *, extensions: Sequence[str] = REQUIRED, set_password: bool = False
) -> SetupPlan:
    """What is lacking, and who makes it: the role itself where it may, else the administrator, or the socket's owner.

    ``set_password`` gives a role that exists the password of the URL. Raises what Database raises, Misconfigured when
    the server has no such extension or cannot have such names; that nobody may is the plan's ``refusal``.
    """
    goal = _Goal(url, postgres.read(url), list(extensions), set_password)
    names.must_be_usable(goal.address)
    own, refused = _own(goal)
    if admin is None and own is not None and _may(own, goal.lacking(own.server, own.inside)):
        return _planned(goal, own)
    by = admin or administrators.by_socket(goal.address)
    if by is None:
        return _refused(goal, own, refused)
    view = goal.look(by)
    if isinstance(refused, AccessRefused) and _logs_in(view) and not set_password:
        hint = "chatai db setup --set-password" if goal.address.password else refused.hint
        raise AccessRefused(refused.what, why=refused.why, hint=hint)
    return _planned(goal, view)


def carry_out(url: str, plan: SetupPlan) -> Ready:
    """Make what is still lacking and prove that the role can work. Raises Busy when the plan does not fit any more."""
    if plan.refusal is not None:
        raise plan.refusal
    goal = _Goal(url, postgres.read(url), plan.extensions, plan.set_password)
    made = _make(goal, plan, plan.by) if plan.todo and plan.by else []
    things = steps.things(goal.address, plan.extensions)
    with Administrator(url).session() as session:
        _prove(session, plan.extensions)
        return Ready(
            database=goal.address.database,
            role=goal.address.role,
            url=postgres.masked(url),
            server_version=session.database.value("SELECT current_setting('server_version')"),
            made=made,
            was_there=[thing for thing in things if thing not in made],
            notes=_notes(session, goal.address),
        )


def _own(goal: _Goal) -> tuple[_View | None, ChataiError | None]:
    """What the role of the URL sees, or why it sees nothing."""
    try:
        return goal.look(Administrator(goal.url)), None
    except DatabaseMissing as error:
        return _own_from_outside(goal), error
    except (AccessRefused, Unavailable) as error:
        return None, error


def _own_from_outside(goal: _Goal) -> _View | None:
    """What the role sees of a server that lacks the database but, perhaps, not the role."""
    try:
        return goal.look(Administrator(postgres.at(goal.url, "postgres")))
    except (AccessRefused, DatabaseMissing, Unavailable):
        return None


def _logs_in(view: _View) -> bool:
    """Whether nothing that is lacking keeps the role from the database: then its password does."""
    return view.server.role_logs_in and (view.inside is None or view.inside.may_connect)


def _may(view: _View, lacking: Sequence[Step]) -> bool:
    """Whether who sees this may make all that is lacking: a trusted extension is made by whom the database lets."""
    trusted = view.server.trusted if view.inside and view.inside.may_extend else []
    return view.server.is_superuser or all(step.extension in trusted for step in lacking)


def _planned(goal: _Goal, view: _View) -> SetupPlan:
    todo = goal.wanting(view.server, view.inside)
    by = _("By the role {role} at {url}:").format(role=view.server.actor, url=view.by)
    return goal.plan(todo, by if todo else _("All of it is there already."), view.by, None)


def _refused(goal: _Goal, own: _View | None, error: ChataiError | None) -> SetupPlan:
    if isinstance(error, Unavailable):
        raise error
    todo = goal.lacking(own.server, own.inside) if own else goal.lacking(steps.UNSEEN, None)
    hint = f"chatai db setup --admin-url {_example(goal.address)}"
    script = [
        _("A superuser gives these lines to psql, pasted or through a pipe:"),
        *map(typed, _written(goal.address, todo)),
    ]
    refusal = NotPermitted(
        _("A superuser must make {things}.").format(things=", ".join(step.thing for step in todo)),
        why="\n".join([*([error.why] if error else []), *script]),
        hint=_alone_lacking(goal, todo) or hint,
    )
    return goal.plan(todo, _("By a superuser, who is not known: {command}").format(command=hint), None, refusal)


def _alone_lacking(goal: _Goal, todo: Sequence[Step]) -> str | None:
    """The one command that makes an extension, when it is all that is lacking."""
    if len(todo) == 1 and todo[0].extension is not None:
        return psql.command(goal.url, todo[0].sql, user="postgres")
    return None


def _written(address: Address, todo: Sequence[Step]) -> list[str]:
    """The statements as a script for psql: within the database what belongs there; the password is asked for."""
    within = [step.sql for step in todo if step.is_inside]
    asking = f"-- {_('It must be the password that DATABASE_URL has:')}\n{psql.asking_for_password(address.role)}"
    return [
        *(step.sql for step in todo if not step.is_inside),
        *([f"{psql.connecting(address.database)}\n{within[0]}", *within[1:]] if within else []),
        *([asking] if any(step.has_password for step in todo) else []),
    ]


def _example(address: Address) -> str:
    if address.host == "" or address.host.startswith("/"):
        return f"'postgresql://postgres@/postgres?host={address.host or '/var/run/postgresql'}&port={address.port}'"
    host = f"[{address.host}]" if ":" in address.host else address.host
    return f"postgresql://postgres@{host}:{address.port}/postgres"


def _make(goal: _Goal, plan: SetupPlan, by: Administrator) -> list[str]:
    """Carry out what is lacking by now, first at the server, then within the database; what was made."""
    with by.session() as session:
        view = _alone(session, goal, by)
        made = _run(session, goal, plan, view.server, view.inside, within=False)
    is_new = view.inside is None
    with by.session(goal.address.database) as session:
        view = _alone(session, goal, by)
        return made + _run(session, goal, plan, view.server, None if is_new else view.inside, within=True)


def _alone(session: Session, goal: _Goal, by: Administrator) -> _View:
    """What is there, while no other setup works here; another has perhaps made some of it since the plan."""
    session.database.value("SELECT pg_advisory_lock(%(key)s)", key=_LOCK)
    return goal.look(by)


def _run(
    session: Session, goal: _Goal, plan: SetupPlan, server: Server, inside: Inside | None, *, within: bool
) -> list[str]:
    todo = [step for step in goal.wanting(server, inside) if step.is_inside == within]
    if not set(todo) <= set(plan.todo):
        raise Busy(_("The server has changed since the plan was made."), hint="chatai db setup")
    for step in todo:
        session.run(step.sql + (_password(session, goal.address) if step.has_password else ""))
    return [step.thing for step in todo]


def _password(session: Session, address: Address) -> str:
    """The clause that sets the password without sending it: a server logs what it is sent."""
    verifier = session.verifier(address.role, address.password or "")
    return f" PASSWORD '{verifier}'"


def _prove(session: Session, extensions: Sequence[str]) -> None:
    """Make a table as migrations do, with a vector in it, and undo that."""
    column = ", v vector(3)" if "vector" in extensions else ""
    name = identifier(f"chatai_setup_{secrets.token_hex(6)}")
    for statement in ("BEGIN", f"CREATE TABLE {name} (id bigint{column})", f"DROP TABLE {name}", "ROLLBACK"):
        session.run(statement)


def _notes(session: Session, address: Address) -> list[str]:
    found = steps.inside(session.database, address)
    notes = []
    if found.encoding != "UTF8":
        notes.append(_("Its encoding is {encoding}: not every message fits.").format(encoding=found.encoding))
    if not set(USEFUL) <= set(found.extensions):
        notes.append(
            _("Without pg_stat_statements chatai db slow shows nothing: a superuser makes it, once it is preloaded.")
        )
    return notes
