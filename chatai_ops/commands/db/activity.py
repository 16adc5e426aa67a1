"""What it is doing: sessions, their queries, their locks; ending them."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from chatai_core import database as db
from chatai_core import times
from chatai_core.database import ending
from chatai_core.i18n import _
from chatai_ops import ask, options
from chatai_ops.app import Commands
from chatai_ops.commands.db import panels

if TYPE_CHECKING:
    from chatai_core.database.connections import Connections
    from chatai_core.installation import Installation

app = Commands()


def _start(text: str) -> datetime:
    return times.moment(text, hint="chatai db activity --json")


User = Annotated[str | None, typer.Option("--user", metavar="ROLE", help=_("Only sessions of this role."))]
Application = Annotated[
    str | None, typer.Option("--application", metavar="NAME", help=_("Only sessions of this application."))
]
State = Annotated[
    str | None, typer.Option("--state", metavar="STATE", help=_("Only active, idle or idle-in-transaction sessions."))
]
All = Annotated[
    bool, typer.Option("--all", help=_("Every database of the server, and the processes of the server itself."))
]
AllDatabases = Annotated[bool, typer.Option("--all", help=_("Every database of the server."))]
Over = Annotated[
    float | None,
    typer.Option("--over", metavar="TIME", parser=times.duration, help=_("What lasts longer; 1m unless told.")),
]
Terminate = Annotated[bool | None, typer.Option("--terminate", help=_("Terminate these sessions; shows them first."))]
Pid = Annotated[
    int, typer.Argument(metavar="PID", min=1, max=2**31 - 1, help=_("The session's number in chatai db activity."))
]
Started = Annotated[
    datetime | None,
    typer.Option(
        "--started",
        metavar="TIMESTAMP",
        parser=_start,
        help=_("Only the session with this backend_start: for scripts, which must not hit the next of this number."),
    ),
]
Force = Annotated[bool, typer.Option("--force", help=_("Also what is protected: backups, migrations, replication …"))]
Now = Annotated[bool, typer.Option("--now", help=_("Do not cancel its query first."))]
Wait = Annotated[
    float | None,
    typer.Option(
        "--wait", min=0, max=options.DAY, metavar="SECONDS", help=_("How long it may take to be gone; 10 unless told.")
    ),
]


@app.command(
    panel=panels.ACTIVITY,
    explains=True,
    empty=_("No such session is connected."),
    examples=["chatai db activity", "chatai db activity --state active -w", "chatai db activity --all --json"],
)
def activity(
    chatai: "Installation",
    user: User = None,
    application: Application = None,
    state: State = None,
    limit: options.LimitOrAll = None,
    everywhere: All = False,
) -> "list[db.activity.Activity]":
    """Who is connected to the database, and what every session does: the active first."""
    return db.activity.sessions(
        chatai.reports, user=user, application=application, state=state, limit=limit, everywhere=everywhere
    )


@app.command(
    panel=panels.ACTIVITY,
    changes="terminate",
    explains=True,
    empty=_("Nothing lasts so long."),
    examples=["chatai db long", "chatai db long --over 5m --json", "chatai db long --terminate --over 5m"],
)
def long(
    chatai: "Installation",
    over: Over = None,
    limit: options.LimitOrAll = None,
    everywhere: AllDatabases = False,
    terminate: Terminate = None,
    force: Force = False,
    now: Now = False,
    wait: Wait = None,
) -> "list[db.long.LongRunning] | ask.Planned[list[ending.signals.Ended]]":
    """Queries and transactions that last, and what protects them; those that are idle in a transaction, too.

    With --terminate their sessions are ended, but for the protected ones.
    """
    if not terminate:
        return db.long.running(chatai.reports, over=over, limit=limit, everywhere=everywhere)
    plan = ending.plans.plan_lasting(
        chatai.database, over=over, limit=limit, everywhere=everywhere, force=force, now=now, wait=wait
    )
    return _planned_for_many(chatai, plan)


@app.command(panel=panels.ACTIVITY, explains=True, examples=["chatai db connections", "chatai db connections --json"])
def connections(chatai: "Installation") -> "Connections":
    """How many clients are connected, by state, application, role and database, and how many can be."""
    return db.connections.count(chatai.reports)


@app.command(
    panel=panels.ACTIVITY,
    explains=True,
    empty=_("Nobody waits for a lock."),
    examples=["chatai db locks", "chatai db locks --json", "chatai db locks -w 1"],
)
def locks(
    chatai: "Installation", limit: options.LimitOrAll = None, everywhere: AllDatabases = False
) -> "list[db.locks.Waiting]":
    """Who waits for which lock, as a tree: at its root the session that all the others wait for."""
    return db.locks.waiting(chatai.reports, limit=limit, everywhere=everywhere)


@app.command(
    panel=panels.ACTIVITY,
    changes=True,
    explains=True,
    examples=["chatai db cancel 4711", "chatai db cancel 4711 --yes --started 2025-09-04T10:00:00.123456+00:00"],
)
def cancel(
    chatai: "Installation", pid: Pid, started: Started = None, force: Force = False, wait: Wait = None
) -> "ask.Planned[ending.signals.Ended]":
    """Cancel the query that a session runs; the session stays. Asks first.

    What is protected is refused: backups, migrations, replication, wraparound, indexes being built concurrently.
    """
    plan = ending.plans.plan(chatai.database, pid, "cancel", started=started, force=force, wait=wait)
    return _planned(chatai, plan)


@app.command(
    panel=panels.ACTIVITY,
    changes=True,
    explains=True,
    examples=["chatai db terminate 4711", "chatai db terminate 4711 --now --yes"],
)
def terminate(
    chatai: "Installation",
    pid: Pid,
    started: Started = None,
    force: Force = False,
    now: Now = False,
    wait: Wait = None,
) -> "ask.Planned[ending.signals.Ended]":
    """End a session: its query is cancelled first, then it is terminated and seen to be gone. Asks first.

    What is protected is refused: backups, migrations, replication, wraparound, indexes being built concurrently.
    """
    plan = ending.plans.plan(chatai.database, pid, "terminate", started=started, force=force, now=now, wait=wait)
    return _planned(chatai, plan)


def _planned(chatai: "Installation", plan: "ending.plans.EndingPlan") -> "ask.Planned[ending.signals.Ended]":
    return ask.Planned(plan, lambda: ending.plans.carry_out_one(chatai.database, plan), asks=True)


def _planned_for_many(
    chatai: "Installation", plan: "ending.plans.EndingPlan"
) -> "ask.Planned[list[ending.signals.Ended]]":
    """One is asked about; many only when the database's name is typed."""
    name = plan.database if len(plan.sessions) > 1 else None
    return ask.Planned(plan, lambda: ending.plans.carry_out(chatai.database, plan), asks=bool(plan.sessions), name=name)
