"""In what condition it is: caches, counters, extensions, replicas."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from chatai_core import database as db
from chatai_core.i18n import _
from chatai_ops import options
from chatai_ops.app import Commands
from chatai_ops.commands.db import panels

if TYPE_CHECKING:
    from chatai_core.findings import Rows
    from chatai_core.installation import Installation

app = Commands()

Schema = Annotated[str | None, typer.Option("--schema", metavar="NAME", help=_("Only this schema."))]
Sort = Annotated[
    Literal["total", "mean", "calls"],
    typer.Option("--sort", help=_("What decides which come first: all time, time of a call, calls.")),
]
Over = Annotated[
    float | None,
    typer.Option(
        "--over", metavar="MS", min=0, max=options.MOST, help=_("Only those with a longer mean, in milliseconds.")
    ),
]
MinCalls = Annotated[
    int,
    typer.Option("--min-calls", metavar="N", min=1, max=options.MOST, help=_("Only those that ran at least N times.")),
]
Utility = Annotated[bool, typer.Option("--utility", help=_("Also COMMIT, SET, CREATE and the like."))]


@app.command(panel=panels.HEALTH, explains=True, examples=["chatai db ping", "chatai db ping --json"])
def ping(chatai: "Installation") -> "db.ping.Ping":
    """Whether the database answers, how fast, as whom and over what."""
    pool = chatai.settings.database.pool_size + chatai.settings.database.max_overflow
    return db.ping.ping(chatai.reports, pool=pool)


@app.command(
    panel=panels.CONDITION,
    explains=True,
    empty=_("No statement of this kind has been counted."),
    examples=["chatai db slow", "chatai db slow --sort mean --over 100", "chatai db slow --json"],
)
def slow(
    chatai: "Installation",
    limit: options.Limit = 20,
    sort: Sort = "total",
    over: Over = None,
    min_calls: MinCalls = 5,
    utility: Utility = False,
) -> "Rows[db.slow.SlowStatement]":
    """Statements that take the time, as pg_stat_statements counts them, without their constants."""
    return db.slow.statements(chatai.reports, limit=limit, sort=sort, over=over, min_calls=min_calls, utility=utility)


@app.command(panel=panels.CONDITION, explains=True, examples=["chatai db wraparound -n 3"])
def wraparound(chatai: "Installation", limit: options.Limit = 10) -> "db.wraparound.Wraparound":
    """How many transaction numbers are used up, by which tables, and who keeps old ones in use."""
    return db.wraparound.ages(chatai.reports, limit=limit)


@app.command(
    panel=panels.CONDITION,
    explains=True,
    empty=_("There is no such sequence."),
    examples=["chatai db sequences", "chatai db sequences --schema public -n 5"],
)
def sequences(
    chatai: "Installation", limit: options.LimitOrAll = None, schema: Schema = None
) -> "Rows[db.sequences.Sequence]":
    """Sequences and the columns that they fill, the one most used up first, with the days that are left."""
    before = db.snapshots.oldest(chatai.reports, chatai.state / "database")
    found = db.sequences.used(chatai.reports, before, limit=limit, schema=schema)
    db.snapshots.take(chatai.reports, chatai.state / "database")
    return found


@app.command(panel=panels.CONDITION, explains=True, examples=["chatai db cache-hit", "chatai db cache-hit -n 5"])
def cache_hit(
    chatai: "Installation", limit: options.Limit = 20, schema: Schema = None
) -> "Rows[db.cache_hit.CacheHit]":
    """How much of what was wanted PostgreSQL found in its own cache: all, tables, indexes, each alone."""
    return db.cache_hit.shares(chatai.reports, limit=limit, schema=schema)


@app.command(panel=panels.CONDITION, explains=True, examples=["chatai db extensions --json"])
def extensions(chatai: "Installation") -> "Rows[db.extensions.Dependency]":
    """Extensions and collations in use, which of them are outdated, and what repairs that."""
    return db.extensions.dependencies(chatai.reports)


@app.command(panel=panels.CONDITION, explains=True, examples=["chatai db replication --json"])
def replication(chatai: "Installation") -> "db.replication.Replication":
    """Standbys and how far they are behind, slots and what they keep, whether WAL is archived."""
    return db.replication.status(chatai.reports)
