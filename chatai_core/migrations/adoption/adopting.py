"""Adopting the database of a former ChatAI: what would be done, and doing it, in the transaction of the migration."""

# ruff: noqa: S608 - the names in these statements are ChatAI's own

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatai_core.adapters import postgres
from chatai_core.errors import ChataiError, Misconfigured, NotPermitted
from chatai_core.i18n import _
from chatai_core.migrations import offline, scripts
from chatai_core.migrations.adoption import catalog, conversion, former, reference, repairs, sealing
from chatai_core.migrations.adoption.catalog import Catalog
from chatai_core.migrations.adoption.recognition import Former
from chatai_core.migrations.adoption.repairs import Refusal, Repair, Rule

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
    _require_owner(connection)
    here, ours = reference.compared(connection)
    _require_convertible(connection, here, ours)
    needed = _counted(connection, list(repairs.rules(here, ours)))
    secrets = [_sealing(connection, table, column) for table, column in conversion.SECRETS.items()]
    return Adoption(
        acts=_acts(here, ours, found, [rule for rule, _rows in needed], secrets),
        repairs=[
            *(Repair(rule.table, rule.column, rows, rule.sentence) for rule, rows in needed),
            *(_repair(one) for one in secrets if one.duplicates),
        ],
        ours=ours,
        remarks=_remarks(here, ours, secrets),
        warnings=_warnings(connection),
    )


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


def erase(url: str) -> list[str]:
    """After the commit: erase the planner's samples of the plaintext. What could not be done, in sentences."""
    name = "SELECT pg_relation_filenode(%(table)s::regclass)"
    try:
        with postgres.Session(url, application="chatai migrate", settings={"lock_timeout": "10s"}) as session:
            before = session.database.value(name, table=_STATISTICS)
            said = session.run(f"VACUUM (FULL) {_STATISTICS}")
            undone = before == session.database.value(name, table=_STATISTICS)
            for table in former.TABLES:
                session.run(f"VACUUM (ANALYZE) {table}")
    except ChataiError as error:
        return [_not_erased(str(error))]
    return [_not_erased(" ".join(said))] if undone else []


def _acts(
    here: Catalog, ours: Catalog, found: Former, rules: list[Rule], secrets: list[Sealing]
) -> list[str | Sealing]:
    return [
        *(text for text in offline.statements(scripts.BASE, 0) if text.startswith("CREATE EXTENSION")),
        *conversion.unbinding(here, ours),
        *conversion.altering(here, ours),
        *conversion.numbering(here),
        *repairs.notebook(found.revision),
        *repairs.statements(rules),
        sealing.TELEGRAM_IDS,
        *secrets,
        *conversion.rewriting(),
        *conversion.binding(here, ours, reference.as_typed(reference.made())),
        *_books(found),
    ]


def _books(found: Former) -> Iterator[str]:
    """From now on its revision is the first of ours."""
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


def _require_owner(connection: "Connection") -> None:
    others = [
        f"{table} ({owner})"
        for table, owner in connection.exec_driver_sql(
            "SELECT relname, pg_get_userbyid(relowner) FROM pg_class WHERE relname = ANY (%(tables)s)"
            " AND relnamespace = to_regnamespace(current_schema()) AND NOT pg_has_role(relowner, 'USAGE')",
            {"tables": list(former.TABLES)},
        )
    ]
    if others:
        raise NotPermitted(
            _("This role may not change the tables of the former ChatAI."),
            why=_("They belong to others: {tables}.").format(tables=", ".join(others)),
            hint="chatai config show --origin",
        )


def _require_convertible(connection: "Connection", here: Catalog, ours: Catalog) -> None:
    problems = [
        _("{table}.{column} is {have}, which cannot become {want}").format(
            table=want.table, column=want.name, have=have.type, want=want.type
        )
        for key, want in ours.columns.items()
        if (have := here.columns.get(key)) and have.type != want.type and _cannot(have.type, want.type, want.name)
    ]
    problems = problems or [*_views(connection, here, ours), *_refused(connection, repairs.refusals(here, ours))]
    if problems:
        raise Misconfigured(
            _("This database of a former ChatAI cannot be adopted as it is."),
            why="; ".join(problems) + ".",
            hint="psql $DATABASE_URL",
        )


def _cannot(have: str, want: str, column: str) -> bool:
    return conversion.using(have, want, column) is None


def _views(connection: "Connection", here: Catalog, ours: Catalog) -> Iterator[str]:
    """Views keep PostgreSQL from changing a column's type."""
    changing = {k for k, want in ours.columns.items() if (have := here.columns.get(k)) and have.type != want.type}
    changing |= set(conversion.SECRETS.items())
    for view, table, column in connection.exec_driver_sql(_VIEWS, {"tables": list(former.TABLES)}):
        if (table, column) in changing:
            yield _("the view {view} uses {table}.{column}: drop it, and make it again afterwards").format(
                view=view, table=table, column=column
            )


_VIEWS = """
SELECT DISTINCT r.ev_class::regclass::text, c.relname, a.attname
FROM pg_depend d
JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
JOIN pg_class c ON c.oid = d.refobjid AND c.relname = ANY (%(tables)s)
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
WHERE c.relnamespace = to_regnamespace(current_schema())
ORDER BY 1, 2, 3
"""


def _refused(connection: "Connection", wanted: Iterator[Refusal]) -> Iterator[str]:
    for refusal in wanted:
        count = connection.exec_driver_sql(refusal.counting).scalar_one()
        if count:
            yield f"{count} {refusal.sentence} ({refusal.counting})"


def _remarks(here: Catalog, ours: Catalog, secrets: list[Sealing]) -> list[str]:
    unfilled = [f"{table}.{name}" for table in former.TABLES for name in conversion.unfilled(here, ours, table)]
    said = [
        _("The former ChatAI cannot use this database any more: stop it first. Its way back is a backup."),
        _("Timestamps are read as UTC. Keys, and every row, stay."),
        _("{tokens} tokens are encrypted, and their plaintext is erased from this database's files.").format(
            tokens=sum(one.rows for one in secrets)
        ),
    ]
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
