"""Statements that take the time, as pg_stat_statements has counted them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from chatai_core.adapters.postgres import Database, identifier, question
from chatai_core.database import counters
from chatai_core.database import statements as statement_texts
from chatai_core.errors import AccessRefused, Misconfigured
from chatai_core.findings import Rows
from chatai_core.i18n import _
from chatai_core.units import Detail, Milliseconds, Percent

Sort = Literal["total", "mean", "calls"]
StateName = Literal[
    "not_installed", "not_loaded", "not_created", "unreadable", "not_recording", "hidden", "outdated", "ready"
]
_NO_ANSWER = {"not_installed", "not_loaded", "not_created", "unreadable"}


@dataclass(frozen=True, slots=True)
class SlowStatement:
    """One statement of one role, constants left out. ``query`` is None when its text is hidden from us.

    ``share`` is of all time of this database; ``hit_share`` of its blocks found in PostgreSQL's cache.
    """

    query: Annotated[str | None, Detail]
    calls: int
    mean_ms: Milliseconds
    total_ms: Milliseconds
    share: Percent
    begins: str
    max_ms: Annotated[Milliseconds, Detail]
    rows: Annotated[int, Detail]
    hit_share: Annotated[Percent | None, Detail]
    role: Annotated[str, Detail]
    queryid: Annotated[str | None, Detail]
    top_level: Annotated[bool, Detail]


@dataclass(frozen=True, slots=True)
class State:
    """Whether pg_stat_statements answers here; when not well, what is wrong and the statements that help."""

    name: StateName
    sentence: str = ""
    remedy: str = ""


def statements(
    database: Database,
    *,
    limit: int | None = 20,
    sort: Sort = "total",
    min_calls: int = 5,
    over: Milliseconds | None = None,
    utility: bool = False,
) -> Rows[SlowStatement]:
    """The statements of this database, the most costly first; ``over`` is a least mean.

    Without ``utility`` no COMMIT, SET, CREATE and the like. Raises Misconfigured and AccessRefused, by the state.
    """
    facts = _facts(database)
    troubles = list(_troubles(facts))
    _refuse(*(trouble for trouble in troubles if trouble.name in _NO_ANSWER))
    rows = database.rows(
        _statement, _asked(facts), limit=limit, sort=sort, min_calls=min_calls, over=over, utility=utility
    )
    if not rows:
        _refuse(*(trouble for trouble in troubles if trouble.name == "not_recording"))
    said = [f"{trouble.sentence} {trouble.remedy}" for trouble in troubles]
    return Rows(rows, " ".join([*_counted(database, facts), *said]) or None)


def state(database: Database) -> State:
    """The state that matters most: nothing can be asked, nothing is recorded, texts are hidden, old columns, ready."""
    return next(_troubles(_facts(database)), State("ready"))


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the catalogue says; None in ``preloaded`` when the setting is hidden from us."""

    loaded: bool
    preloaded: str | None
    default_version: str | None
    version: str | None
    schema: str | None
    readable: bool | None
    sees_texts: bool
    compute_query_id: str
    track: str | None
    columns: list[str]
    has_info: bool
    database: str
    role: str

    def relation(self, name: str) -> str:
        return identifier(self.schema or "", name)


def _facts(database: Database) -> _Facts:
    return _Facts(**database.value(question(__file__, "slow_state")))


def _troubles(facts: _Facts) -> Iterator[State]:
    """What is wrong, the worst first."""
    if not (facts.default_version or facts.version):
        yield State("not_installed", _("The server has no pg_stat_statements."), "apt install postgresql-contrib")
    if not facts.loaded:
        sentence = _("PostgreSQL was started without pg_stat_statements, so it keeps no times of statements.")
        yield State("not_loaded", sentence, _loading(facts.preloaded))
    if not facts.version:
        sentence = _("The database {database} lacks the extension pg_stat_statements.").format(database=facts.database)
        yield State("not_created", sentence, "CREATE EXTENSION pg_stat_statements;")
    if facts.readable is False:
        sentence = _("The role {role} may not read pg_stat_statements.").format(role=facts.role)
        yield State("unreadable", sentence, _opening(facts))
    if facts.compute_query_id == "off" or facts.track == "none":
        name, value = ("pg_stat_statements.track", "top") if facts.track == "none" else ("compute_query_id", "auto")
        sentence = _("New statements are not counted: {setting} is off.").format(setting=name)
        yield State("not_recording", sentence, f"ALTER SYSTEM SET {name} = '{value}'; SELECT pg_reload_conf();")
    if not facts.sees_texts:
        sentence = _("The texts of other roles' statements are hidden from {role}.").format(role=facts.role)
        yield State("hidden", sentence, f"GRANT pg_read_all_stats TO {identifier(facts.role)};")
    if facts.version and facts.default_version not in {None, facts.version}:
        sentence = _("The extension is of version {old}, the server's is {new}.").format(
            old=facts.version, new=facts.default_version
        )
        yield State("outdated", sentence, "ALTER EXTENSION pg_stat_statements UPDATE;")


def _loading(preloaded: str | None) -> str:
    """The setting that loads it beside what is loaded already: each name is quoted by itself."""
    names = ["…"] if preloaded is None else [f"'{name.strip()}'" for name in preloaded.split(",") if name.strip()]
    value = ", ".join([*names, "'pg_stat_statements'"])
    return _("ALTER SYSTEM SET shared_preload_libraries = {value}; then restart PostgreSQL.").format(value=value)


def _opening(facts: _Facts) -> str:
    role = identifier(facts.role)
    schema, view = identifier(facts.schema or ""), facts.relation("pg_stat_statements")
    return f"GRANT USAGE ON SCHEMA {schema} TO {role}; GRANT SELECT ON {view} TO {role};"


def _refuse(*troubles: State) -> None:
    for trouble in troubles:
        kind = AccessRefused if trouble.name == "unreadable" else Misconfigured
        raise kind(_("Nothing is known about slow statements."), why=trouble.sentence, hint=trouble.remedy)


def _asked(facts: _Facts) -> str:
    """The question, with the names that its columns have in this version of the extension (1.8 renamed times)."""
    times = ("total_exec_time", "max_exec_time") if "total_exec_time" in facts.columns else ("total_time", "max_time")
    toplevel = "s.toplevel" if "toplevel" in facts.columns else "true"
    return question(__file__).format(
        view=facts.relation("pg_stat_statements"), total_time=times[0], max_time=times[1], toplevel=toplevel
    )


def _statement(query: str | None, **others: Any) -> SlowStatement:
    # Utility statements keep their strings, passwords among them: PostgreSQL takes constants out of others only.
    shown = None if query is None else statement_texts.without_constants(query)
    return SlowStatement(query=shown, begins=statement_texts.begins(shown), **others)


def _counted(database: Database, facts: _Facts) -> Iterator[str]:
    """Since when the numbers count, and whether statements were forgotten; older versions do not know."""
    if not facts.has_info:
        return
    info = database.value(question(__file__, "slow_info").format(view=facts.relation("pg_stat_statements_info")))
    yield counters.told(datetime.fromisoformat(info["stats_reset"]))
    if info["dealloc"]:
        yield _(
            "Rare statements were forgotten {count} times, since there is room for few: raise pg_stat_statements.max."
        ).format(count=info["dealloc"])
