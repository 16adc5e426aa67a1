"""Adopting the database of a former ChatAI: what would be done, and doing it, in the transaction of the migration."""

# ruff: noqa: S608 - the names in these statements are ChatAI's own

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatai_core.adapters import postgres
from chatai_core.adapters.postgres import Database
from chatai_core.errors import ChataiError
from chatai_core.i18n import _
from chatai_core.migrations import offline, scripts
from chatai_core.migrations.adoption import (
    catalog,
    conversion,
    former,
    jsonb,
    obstacles,
    reference,
    repairs,
    sealing,
    triggers,
)
from chatai_core.migrations.adoption.catalog import Catalog
from chatai_core.migrations.adoption.recognition import Former
from chatai_core.migrations.adoption.repairs import Repair, Rule
from chatai_core.migrations.adoption.triggers import Trigger
from chatai_core.units import Seconds

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from chatai_core.adapters.crypto import Cipher

Seal = Callable[["Connection", "Cipher"], int]
_BOOKS = "alembic_version"
_STATISTICS = "pg_statistic"  # samples of every column: of plaintext tokens, too


@dataclass(frozen=True, slots=True)
class Sealing:
    """A step that is no statement: the tokens are encrypted here, and only what comes out is sent."""

    table: str
    rows: int
    duplicates: int
    seal: Seal

    def __str__(self) -> str:
        return _("-- {rows} tokens of {table} are read, encrypted by chatai, and written back").format(
            rows=self.rows, table=self.table
        )


@dataclass(frozen=True, slots=True)
class Adoption:
    """Everything that will be done, in order; the rows that are made to fit; what is left to do by hand."""

    acts: list[str | Sealing]
    repairs: list[Repair]
    ours: Catalog
    remarks: list[str]
    warnings: list[str]

    @property
    def statements(self) -> list[str]:
        """What a plan shows."""
        return [*conversion.opening(), *map(str, self.acts)]


def survey(connection: "Connection", found: Former) -> Adoption:
    """What adopting this database takes. Raises Misconfigured or NotPermitted when it cannot be done."""
    found.require_adoptable()
    obstacles.require_owner(connection)
    catalog.told(connection, conversion.KEEPING)
    here, ours = reference.compared(connection)
    obstacles.require_none(connection, here, ours)
    owner = connection.exec_driver_sql(repairs.OWNER).scalar_one()
    for probe in jsonb.PROBES:
        catalog.told(connection, probe)
    needed = _counted(connection, [*jsonb.rules(here, ours), *repairs.rules(here, ours, owner)])
    silenced = triggers.found(connection)
    secrets = [_sealing(connection, table, column) for table, column in conversion.SECRETS.items()]
    return Adoption(
        acts=[
            *(trigger.silencing() for trigger in silenced),
            *_acts(here, ours, [rule for rule, _rows in needed], owner, secrets),
            *(trigger.waking() for trigger in silenced),
            *_books(found),
        ],
        repairs=[
            *(Repair(rule.table, rule.column, rows, rule.sentence) for rule, rows in needed),
            *(_repair(one) for one in secrets if one.duplicates),
        ],
        ours=ours,
        remarks=_remarks(here, ours, secrets, silenced),
        warnings=_warnings(connection),
    )


def look(connection: "Connection", found: Former) -> Adoption:
    """The same in a transaction of its own, of which nothing stays."""
    with connection.begin() as transaction:
        adoption = survey(connection, found)
        transaction.rollback()
    return adoption


def carry_out(connection: "Connection", found: Former, cipher: "Cipher") -> Adoption:
    """Adopt the database; the caller's transaction makes it all or nothing."""
    for statement in conversion.opening():
        catalog.told(connection, statement)
    adoption = survey(connection, found)
    for act in adoption.acts:
        if isinstance(act, Sealing):
            act.seal(connection, cipher)
        else:
            catalog.told(connection, act)
    left = conversion.differences(reference.found(connection), adoption.ours)
    if left:
        raise AssertionError(f"The adoption would leave these other than the first revision makes them: {left}")
    return adoption


def erase(url: str, *, patience: Seconds = 10.0) -> list[str]:
    """After the commit: erase the planner's samples of the plaintext. What could not be done, in sentences.

    A row that somebody may still see is copied in place of erased, so their end is waited for.
    """
    name = "SELECT pg_relation_filenode(%(table)s::regclass)"
    try:
        with postgres.Session(url, application="chatai migrate", settings={"lock_timeout": "10s"}) as session:
            is_seen = _is_seen(session.database, patience)
            before = session.database.value(name, table=_STATISTICS)
            said = session.run(f"VACUUM (FULL) {_STATISTICS}")
            undone = before == session.database.value(name, table=_STATISTICS)
            for table in former.TABLES:
                session.run(f"VACUUM (ANALYZE) {table}")
    except ChataiError as error:
        return [_not_erased(str(error))]
    if is_seen:
        said = [*said, _("A transaction, a snapshot or a replication slot from before is still there.")]
    return [_not_erased(" ".join(said))] if undone or is_seen else []


def _is_seen(database: Database, patience: Seconds) -> bool:
    """Whether somebody sees dead rows, for longer than one waits: also a transaction in another database."""
    number = database.value("SELECT pg_snapshot_xmax(pg_current_snapshot())::text")
    deadline = time.monotonic() + patience
    while seen := bool(database.value(postgres.question(__file__, "onlookers"), number=number)):
        if time.monotonic() >= deadline:
            break
        time.sleep(0.1)
    return seen


def _acts(here: Catalog, ours: Catalog, rules: list[Rule], owner: str, secrets: list[Sealing]) -> list[str | Sealing]:
    early = [rule for rule in rules if rule.is_early]
    late = [rule for rule in rules if not (rule.is_early or rule.is_fill)]
    return [
        *(text for text in offline.statements(scripts.BASE, 0) if text.startswith("CREATE EXTENSION")),
        repairs.NOTEBOOK,
        *(jsonb.PROBES if early else ()),
        *repairs.mending(early),
        *conversion.unbinding(here, ours),
        *conversion.altering(here, ours),
        *conversion.numbering(here),
        *repairs.keeping(late, owner),
        *repairs.mending(late),
        sealing.TELEGRAM_IDS,
        *secrets,
        *repairs.filling([rule for rule in rules if rule.is_fill]),
        *conversion.rewriting(),
        *conversion.binding(here, ours, reference.as_typed(reference.made())),
    ]


def _books(found: Former) -> Iterator[str]:
    """From now on its revision is the first of ours; what it was is noted."""
    yield repairs.adopted(found.revision)
    yield from (text for text in offline.statements(scripts.BASE, 0) if text.startswith("CREATE TABLE IF NOT EXISTS"))
    if found.revision is not None:
        yield f"DELETE FROM {_BOOKS}"
    yield f"INSERT INTO {_BOOKS} (version_num) VALUES ('{scripts.chain()[0].revision}')"


def _counted(connection: "Connection", rules: list[Rule]) -> list[tuple[Rule, int]]:
    """The rules that are needed, each with its number of rows: every table is read once."""
    needed: list[tuple[Rule, int]] = []
    for table in former.TABLES:
        own = [rule for rule in rules if rule.table == table]
        if own:
            counts = ", ".join(f"count(*) FILTER (WHERE {rule.condition})" for rule in own)
            (row,) = connection.exec_driver_sql(f"SELECT {counts} FROM {table}")
            needed += [(rule, rows) for rule, rows in zip(own, row, strict=True) if rows]
    order = {id(rule): place for place, rule in enumerate(rules)}
    return sorted(needed, key=lambda one: order[id(one[0])])


def _sealing(connection: "Connection", table: str, column: str) -> Sealing:
    rows, duplicates = (connection.exec_driver_sql(sql).scalar_one() for sql in sealing.counting(table, column))
    return Sealing(table, rows, duplicates, sealing.seal_keys if table == "ai_token_pool" else sealing.seal_bots)


def _repair(one: Sealing) -> Repair:
    sentence = _("the same token as another row: disabled; the first that is in use keeps it")
    return Repair(one.table, conversion.SECRETS[one.table], one.duplicates, sentence)


def _remarks(here: Catalog, ours: Catalog, secrets: list[Sealing], silenced: list[Trigger]) -> list[str]:
    unfilled = [f"{table}.{name}" for table in former.TABLES for name in conversion.unfilled(here, ours, table)]
    said = [
        _("The former ChatAI cannot use this database any more: stop it first. Its way back is a backup."),
        _("Timestamps are read as UTC. Keys, and every row, stay."),
        _("{tokens} tokens are encrypted, and their plaintext is erased from this database's files.").format(
            tokens=sum(one.rows for one in secrets)
        ),
    ]
    if silenced:
        said.append(
            _("These triggers do not fire meanwhile, and afterwards as before: {triggers}.").format(
                triggers=", ".join(f"{one.name} ({one.table})" for one in silenced)
            )
        )
    if unfilled:
        said.append(_("No value is required any more in {columns}.").format(columns=", ".join(unfilled)))
    return said


def _warnings(connection: "Connection") -> list[str]:
    left = [name for (name,) in connection.exec_driver_sql(_TABLES) if former.is_left("table", name, None)]
    plain = [name for name in left if name in former.WITH_SECRETS]
    said = [
        _("Older backups, archived WAL and replicas' files keep the tokens' plaintext: let them expire, or renew them.")
    ]
    if left:
        said.append(_("Left alone, as this version does not use them: {tables}.").format(tables=", ".join(left)))
    if plain:
        said.append(_("Of these, {tables} hold secrets in plaintext.").format(tables=", ".join(plain)))
    return said


_TABLES = """
SELECT relname FROM pg_class
WHERE relkind = 'r' AND relnamespace = to_regnamespace(current_schema()) ORDER BY relname
"""


def _not_erased(reason: str) -> str:
    return _(
        "The planner's samples may still hold plaintext tokens ({reason}). As the database's owner type:"
        " psql $DATABASE_URL -c 'VACUUM (FULL) pg_statistic'"
    ).format(reason=reason)
