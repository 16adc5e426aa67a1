"""Upkeep that does no harm: analyze, vacuum, reindex, the log of slow statements."""

from typing import TYPE_CHECKING, Annotated

import typer

from chatai_core.database import upkeep
from chatai_core.i18n import _
from chatai_ops import options, progress
from chatai_ops.app import Commands
from chatai_ops.ask import Planned
from chatai_ops.commands.db import panels

if TYPE_CHECKING:
    from chatai_core.findings import Rows
    from chatai_core.installation import Installation

app = Commands()

Tables = Annotated[
    list[str] | None,
    typer.Argument(metavar="TABLE", help=_("These tables, as table or schema.table; all unless told.")),
]
Indexes = Annotated[
    list[str] | None,
    typer.Argument(metavar="INDEX|TABLE", help=_("These indexes, or those of these tables; all unless told.")),
]
All = Annotated[bool, typer.Option("--all", help=_("The server's own tables too."))]
Freeze = Annotated[bool, typer.Option("--freeze", help=_("Freeze every row: against wraparound, before a long rest."))]
Wait = Annotated[
    float | None,
    typer.Option(
        "--wait", min=0, max=options.DAY, metavar="SECONDS", help=_("How long a lock is waited for; 3 unless told.")
    ),
]
WaitForReaders = Annotated[
    float | None,
    typer.Option(
        "--wait",
        min=0,
        max=options.DAY,
        metavar="SECONDS",
        help=_("How long older transactions are waited for; 60 unless told."),
    ),
]
Clean = Annotated[bool, typer.Option("--clean", help=_("Only drop the invalid copies that interrupted rebuilds left."))]
Blocking = Annotated[
    bool,
    typer.Option(
        "--blocking", help=_("Also those that can only be rebuilt while others wait (exclusion constraints).")
    ),
]
Memory = Annotated[
    str | None,
    typer.Option(
        "--maintenance-work-mem",
        metavar="SIZE",
        help=_("Memory of each build (2GB); vector indexes get enough unless told."),
    ),
]
Over = Annotated[
    str | None,
    typer.Argument(metavar="MS|off", help=_("Log what lasts longer, in milliseconds; off is what was before.")),
]


@app.command(
    panel=panels.UPKEEP,
    changes=True,
    explains=True,
    empty=_("There is no table to analyze."),
    examples=["chatai db analyze", "chatai db analyze messages --dry-run"],
)
def analyze(
    chatai: "Installation", tables: Tables = None, wait: Wait = None, system: All = False
) -> "Planned[Rows[upkeep.tending.Tended]]":
    """Collect the planner's statistics of tables, one after the other; partitions with their table.

    A table that is locked or that belongs to somebody else is named as failed, and the others go on.
    """
    plan = upkeep.tending.plan_analyze(chatai.reports, tables or (), system=system)
    return _tended(chatai.database_url, plan, wait)


@app.command(
    panel=panels.UPKEEP,
    changes=True,
    explains=True,
    empty=_("There is no table to vacuum."),
    examples=["chatai db vacuum", "chatai db vacuum messages --freeze", "chatai db vacuum --json"],
)
def vacuum(
    chatai: "Installation", tables: Tables = None, freeze: Freeze = False, wait: Wait = None, system: All = False
) -> "Planned[Rows[upkeep.tending.Tended]]":
    """Free the room of dead rows in tables and analyze them, one after the other, while everybody works.

    A table that is locked or that belongs to somebody else is named as failed, and the others go on.
    """
    plan = upkeep.tending.plan_vacuum(chatai.reports, tables or (), freeze=freeze, system=system)
    return _tended(chatai.database_url, plan, wait)


@app.command(
    panel=panels.UPKEEP,
    changes=True,
    explains=True,
    empty=_("There is nothing to do."),
    examples=[
        "chatai db reindex messages --dry-run",
        "chatai db reindex ix_messages_dialog -y",
        "chatai db reindex --clean",
    ],
)
def reindex(
    chatai: "Installation",
    names: Indexes = None,
    clean: Clean = False,
    blocking: Blocking = False,
    memory: Memory = None,
    wait: WaitForReaders = None,
    system: All = False,
) -> "Planned[Rows[upkeep.reindexing.Rebuilt]]":
    """Rebuild indexes while everybody works (REINDEX CONCURRENTLY), one after the other. Asks first.

    Room on the disk is looked at before. What an attempt leaves behind when it is interrupted is taken away.
    """
    if clean:
        plan = upkeep.reindex_plans.clean(chatai.reports, names or (), system=system)
    else:
        plan = upkeep.reindex_plans.rebuild(
            chatai.reports, names or (), blocking=blocking, memory=memory, system=system
        )
    return _rebuilt(chatai.database_url, plan, wait)


@app.command(
    panel=panels.UPKEEP,
    changes="over",
    watch=False,  # only a new connection is given what was set since
    explains=True,
    examples=["chatai db log-slow", "chatai db log-slow 250", "chatai db log-slow off"],
)
def log_slow(chatai: "Installation", over: Over = None) -> "Planned[upkeep.slow_log.SlowLog] | upkeep.slow_log.SlowLog":
    """Have the server log ChatAI's slow statements, or say what it logs now.

    What was set before is remembered, and off brings back exactly that.
    """
    directory = chatai.state / "database"
    if over is None:
        return upkeep.slow_log.state(chatai.reports, directory)
    plan = upkeep.slow_log.plan(chatai.reports, directory, over)
    return Planned(plan, lambda: upkeep.slow_log.carry_out(chatai.database_url, directory, plan))


def _tended(url: str, plan: "upkeep.tending.UpkeepPlan", wait: float | None) -> "Planned[Rows[upkeep.tending.Tended]]":
    patience = upkeep.tending.WAIT if wait is None else wait
    return Planned(plan, progress.followed(lambda tell: upkeep.tending.carry_out(url, plan, wait=patience, tell=tell)))


def _rebuilt(
    url: str, plan: "upkeep.reindex_plans.ReindexPlan", wait: float | None
) -> "Planned[Rows[upkeep.reindexing.Rebuilt]]":
    patience = upkeep.reindexing.WAIT if wait is None else wait
    work = progress.followed(lambda tell: upkeep.reindexing.carry_out(url, plan, wait=patience, tell=tell))
    return Planned(plan, work, asks=bool(plan.tasks))
