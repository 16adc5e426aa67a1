"""What takes the space: tables, indexes, and what of them could go."""

from typing import TYPE_CHECKING, Annotated

import typer

from chatai_core import database as db
from chatai_core import units
from chatai_core.i18n import _
from chatai_ops import options
from chatai_ops.app import Commands
from chatai_ops.commands.db import panels

if TYPE_CHECKING:
    from chatai_core.findings import Rows
    from chatai_core.installation import Installation

app = Commands()

Schema = Annotated[str | None, typer.Option("--schema", metavar="NAME", help=_("Only this schema."))]
Table = Annotated[
    list[str] | None, typer.Option("--table", metavar="NAME", help=_("Only this table; may be given again."))
]
Tables = Annotated[list[str] | None, typer.Argument(metavar="TABLE…", help=_("Only these tables."))]
MinSize = Annotated[
    int,
    typer.Option("--min-size", metavar="SIZE", parser=units.read_bytes, help=_("Only what is as large: 64kB, 10MB.")),
]
Invalid = Annotated[bool, typer.Option("--invalid", help=_("Only those that do not work."))]
MinAge = Annotated[
    float,
    typer.Option(
        "--min-age",
        metavar="DAYS",
        min=0,
        max=options.MOST,
        help=_("So many days without a scan prove that it is unused."),
    ),
]
Replica = Annotated[
    list[str] | None,
    typer.Option(
        "--replica", metavar="URL", help=_("Ask this standby too: its URL without a password, or a variable with it.")
    ),
]
All = Annotated[bool, typer.Option("--all", help=_("Also those that are used."))]
Exact = Annotated[bool, typer.Option("--exact", help=_("Read whole tables with pgstattuple in place of estimating."))]


@app.command(panel=panels.SPACE, explains=True, examples=["chatai db size", "chatai db size --json"])
def size(chatai: "Installation") -> "db.size.Size":
    """The size of the database, how it grows, and when the disk is full."""
    return db.size.measure(chatai.reports, chatai.state / "database")


@app.command(
    panel=panels.SPACE,
    explains=True,
    empty=_("There is no such table."),
    examples=["chatai db tables -n 5", "chatai db tables --min-size 10MB --json"],
)
def tables(
    chatai: "Installation",
    limit: options.LimitOrAll = None,
    schema: Schema = None,
    table: Table = None,
    min_size: MinSize = 0,
) -> "Rows[db.tables.Table]":
    """Tables by the space they take, the largest first; partitions count in their table."""
    return db.tables.largest(chatai.reports, limit=limit, schema=schema, names=table or (), least_bytes=min_size)


@app.command(
    panel=panels.SPACE,
    explains=True,
    empty=_("There is no such index."),
    examples=["chatai db indexes -n 5", "chatai db indexes --invalid", "chatai db indexes --table users --json"],
)
def indexes(
    chatai: "Installation",
    limit: options.LimitOrAll = None,
    schema: Schema = None,
    table: Table = None,
    min_size: MinSize = 0,
    invalid: Invalid = False,
) -> "Rows[db.indexes.Index]":
    """Indexes by the space they take, the largest first, with their scans and their state."""
    return db.indexes.every(
        chatai.reports, limit=limit, schema=schema, names=table or (), least_bytes=min_size, invalid=invalid
    )


@app.command(
    panel=panels.SPACE,
    explains=True,
    empty=_("None of these indexes is unused."),
    examples=[
        "chatai db unused-indexes",
        "chatai db unused-indexes --min-size 10MB --json",
        "chatai db unused-indexes --replica postgresql://chatai@standby/chatai",
    ],
)
def unused_indexes(
    chatai: "Installation",
    limit: options.LimitOrAll = None,
    schema: Schema = None,
    table: Table = None,
    min_size: MinSize = 0,
    min_age: MinAge = 14,
    replica: Replica = None,
    all_: All = False,
) -> "Rows[db.unused_indexes.UnusedIndex]":
    """Indexes that nothing scans: whether they can go, why, and the SQL that drops them and makes them again.

    The proof is counters kept from one call to the next: the longer ago the first was, the more they prove.
    """
    replicas = [chatai.reading(url) for url in db.index_evidence.addresses(replica or ())]
    return db.unused_indexes.judged(
        chatai.reports,
        chatai.state / "database",
        replicas=replicas,
        limit=limit,
        schema=schema,
        names=table or (),
        least_bytes=min_size,
        min_age_days=min_age,
        every=all_,
    )


@app.command(
    panel=panels.SPACE,
    explains=True,
    empty=_("None of these indexes repeats another one."),
    examples=["chatai db duplicate-indexes", "chatai db duplicate-indexes --json"],
)
def duplicate_indexes(
    chatai: "Installation",
    limit: options.LimitOrAll = None,
    schema: Schema = None,
    table: Table = None,
    min_size: MinSize = 0,
) -> "Rows[db.duplicate_indexes.DuplicateIndex]":
    """Indexes that find nothing which another one of the same table does not find as well."""
    return db.duplicate_indexes.found(
        chatai.reports, limit=limit, schema=schema, names=table or (), least_bytes=min_size
    )


@app.command(
    panel=panels.SPACE,
    explains=True,
    empty=_("There is no such table."),
    examples=["chatai db bloat -n 5", "chatai db bloat messages --exact", "chatai db bloat --json"],
)
def bloat(
    chatai: "Installation",
    tables: Tables = None,
    limit: options.LimitOrAll = None,
    schema: Schema = None,
    min_size: MinSize = 0,
    exact: Exact = False,
) -> "Rows[db.bloat.Bloat]":
    """Dead rows and space that tables and indexes would give back, where that can be known."""
    measure = db.bloat_exact.measured if exact else db.bloat.estimated
    reports = chatai.reading(chatai.database_url, statement_timeout="1h") if exact else chatai.reports
    return measure(reports, limit=limit, schema=schema, names=tables or (), least_bytes=min_size)
