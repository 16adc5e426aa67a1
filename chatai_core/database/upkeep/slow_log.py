"""The server's log of slow statements: switched on for ChatAI's own sessions, and back to exactly what was before."""

import re
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec

from chatai_core.adapters import files
from chatai_core.adapters.postgres import Database, Session, identifier, question
from chatai_core.database import circumstances, snapshots
from chatai_core.database.upkeep.tending import WAIT, settings
from chatai_core.errors import BadData, Misused, NotPermitted
from chatai_core.i18n import _
from chatai_core.plans import Plan
from chatai_core.units import Detail, Milliseconds, Seconds

OFF = -1

_MUCH = 10  # milliseconds below which a busy server writes most of its statements down
_MOST = 2_147_483_647
_TIME = re.compile(r"([0-9]{1,10}) ?(ms|s)?")
_LEAKS = {"all", "mod"}
_LOCK = int.from_bytes(b"chatslow", "big")
_MAY = "SELECT has_parameter_privilege('log_min_duration_statement', 'SET')"


@dataclass(frozen=True, slots=True)
class SlowLog:
    """What is logged in sessions of ChatAI's role that begin now; ``over_ms`` None: no statement for its time alone.

    ``off_restores``: what ``off`` brings back, None when nothing is remembered. ``parameter_bytes``: how much of a
    parameter is logged, -1 is all of it. ``leak``: what log_statement writes besides, ``leak_sql`` ends that.
    """

    database: str
    role: str
    over_ms: Milliseconds | None
    source: str
    off_restores: str | None
    log_statement: str
    parameter_bytes: Annotated[int, Detail]
    leak: Annotated[str | None, Detail]
    leak_sql: Annotated[str | None, Detail]

    @property
    def reading(self) -> str | None:
        """What must be known beside it."""
        said = [self._foreign, self.leak and f"{self.leak} {self.leak_sql or ''}".strip()]
        if self.over_ms is not None:
            said += [_values(self.parameter_bytes), _volume(self.over_ms)]
        return "\n".join(filter(None, said)) or None

    @property
    def _foreign(self) -> str | None:
        """What is set where ChatAI would set it, and was not set by it."""
        if self.source != "database user" or self.off_restores is not None:
            return None
        return _("ChatAI did not set this value, and off leaves it; who does not want it: {statement}").format(
            statement=f"{_narrowly(self.role, self.database)} RESET log_min_duration_statement;"
        )


@dataclass(frozen=True, slots=True)
class SlowLogPlan(Plan):
    """The change that will be made: statements over so many milliseconds, or -1 for what was before."""

    over_ms: int = OFF


@dataclass(frozen=True, slots=True)
class _Facts:
    database: str
    role: str
    role_oid: int
    over_ms: int
    source: str
    own: str | None
    is_superuser: bool
    log_statement: str
    log_statement_source: str
    parameter_bytes: int
    grants_parameters: bool

    @property
    def narrowly(self) -> str:
        return _narrowly(self.role, self.database)


class _Remembered(msgspec.Struct, frozen=True):
    """What was set before us; None is: nothing."""

    before: str | None
    since: datetime


def state(database: Database, directory: Path) -> SlowLog:
    """What is logged now; ``directory`` is where ChatAI remembers what was before. The connection must be fresh."""
    facts = _look(database)
    remembered = _remembered(_file(database, directory, facts))
    return SlowLog(
        database=facts.database,
        role=facts.role,
        over_ms=None if facts.over_ms < 0 else facts.over_ms,
        source=facts.source,
        off_restores=None if remembered is None else remembered.before or _("nothing of its own"),
        log_statement=facts.log_statement,
        parameter_bytes=facts.parameter_bytes,
        leak=_leak(facts.log_statement),
        leak_sql=_leak_sql(facts) if facts.log_statement in _LEAKS else None,
    )


def plan(database: Database, directory: Path, wanted: str) -> SlowLogPlan:
    """What logging statements over so long ("250", "250ms", "2s") or "off" changes. Raises Misused, NotPermitted."""
    over_ms = _understood(wanted)
    circumstances.must_be_primary(database)
    facts = _look(database)
    remembered = _remembered(_file(database, directory, facts))
    statement = _statement(facts, over_ms, remembered)
    if statement is not None:
        _must_be_allowed(database, facts, statement)
    return SlowLogPlan(
        summary=_summary(facts, over_ms, remembered),
        steps=list(filter(None, _steps(facts, over_ms, remembered, statement))),
        statements=[statement] if statement else [],
        over_ms=over_ms,
    )


def carry_out(url: str, directory: Path, plan: SlowLogPlan, *, wait: Seconds = WAIT) -> SlowLog:
    """Do what was planned; what others changed meanwhile is taken as it is."""
    with Session(url, application="chatai db log-slow", settings=settings(wait)) as session:
        session.database.value("SELECT pg_advisory_lock(%(key)s)", key=_LOCK)
        facts = _look(session.database)
        file = _file(session.database, directory, facts)
        remembered = _remembered(file)
        statement = _statement(facts, plan.over_ms, remembered)
        if plan.over_ms != OFF and remembered is None:
            _remember(file, _Remembered(facts.own, datetime.now(UTC)))  # first: whoever kills us loses nothing
        if statement is not None:
            session.run(statement)
        if plan.over_ms == OFF:
            file.unlink(missing_ok=True)
    with closing(Database(url)) as fresh:
        return state(fresh, directory)


def _understood(wanted: str) -> int:
    """Milliseconds, or OFF. Raises Misused."""
    if wanted == "off":
        return OFF
    found = _TIME.fullmatch(wanted)
    over_ms = int(found[1]) * (1000 if found[2] == "s" else 1) if found else -1
    if over_ms == 0 or wanted in _LEAKS:
        raise Misused(
            _("ChatAI never has every statement logged."), why=_leak("all") or "", hint="chatai db log-slow 250"
        )
    if not 0 < over_ms <= _MOST:
        raise Misused(
            _("{wanted} is no time.").format(wanted=wanted),
            why=_("It is a number of milliseconds, or off."),
            hint="chatai db log-slow 250",
        )
    return over_ms


def _look(database: Database) -> _Facts:
    return database.rows(_Facts, question(__file__))[0]


def _statement(facts: _Facts, over_ms: int, remembered: _Remembered | None) -> str | None:
    """The statement that brings it about; None when it is so already."""
    if over_ms == OFF and remembered is None:
        return None  # what is set there is not ours
    value = f"{over_ms}ms" if over_ms != OFF or remembered is None else remembered.before
    if value == facts.own:
        return None
    if value is None:
        return f"{facts.narrowly} RESET log_min_duration_statement"
    literal = value.replace("'", "''")
    return f"{facts.narrowly} SET log_min_duration_statement = '{literal}'"


def _must_be_allowed(database: Database, facts: _Facts, statement: str) -> None:
    if facts.is_superuser or (facts.grants_parameters and database.value(_MAY)):
        return
    grant = f"GRANT SET ON PARAMETER log_min_duration_statement TO {identifier(facts.role)};"
    raise NotPermitted(
        _("The role {role} may not decide what the server logs.").format(role=facts.role),
        why=_("A superuser may, or may allow it."),
        hint=grant if facts.grants_parameters else f"{statement};",
    )


def _summary(facts: _Facts, over_ms: int, remembered: _Remembered | None) -> str:
    if over_ms == OFF and remembered is None:
        sentence = _("ChatAI has set nothing for the role {role} in the database {database}.")
    elif over_ms == OFF:
        sentence = _("The log of slow statements becomes again what it was, for the role {role} in {database}.")
    else:
        sentence = _("Statements over {over} ms are logged, for the role {role} in the database {database}.")
    return sentence.format(role=facts.role, database=facts.database, over=over_ms)


def _steps(facts: _Facts, over_ms: int, remembered: _Remembered | None, statement: str | None) -> list[str | None]:
    if over_ms == OFF and remembered is None:
        return []
    if statement is None:
        return [_("It is so already; nothing changes."), _leak(facts.log_statement)]
    return [
        _("Sessions that are open now keep theirs until they connect again."),
        _volume(over_ms) if over_ms != OFF else None,
        _leak(facts.log_statement),
    ]


def _narrowly(role: str, database: str) -> str:
    return f"ALTER ROLE {identifier(role)} IN DATABASE {identifier(database)}"


def _volume(over_ms: float) -> str | None:
    if over_ms >= _MUCH:
        return None
    return _("So short a time fills the log: most statements of a busy server take longer than {over} ms.").format(
        over=f"{over_ms:g}"
    )


def _values(parameter_bytes: int) -> str:
    length = _("all of them") if parameter_bytes < 0 else _("{bytes} bytes of each").format(bytes=parameter_bytes)
    return _(
        "A slow statement is logged with the values in it, users' messages among them; of values that are sent"
        " beside it, {length} (log_parameter_max_length)."
    ).format(length=length)


def _leak(log_statement: str) -> str | None:
    if log_statement not in _LEAKS:
        return None
    return _(
        "log_statement = '{value}' writes messages, tokens and passwords into the server's log, for all who read that."
    ).format(value=log_statement)


def _leak_sql(facts: _Facts) -> str | None:
    """The statement that ends the leak, where it was begun; None when the server was started with it."""
    narrower = {
        "database": f"ALTER DATABASE {identifier(facts.database)} RESET log_statement;",
        "user": f"ALTER ROLE {identifier(facts.role)} RESET log_statement;",
        "database user": f"{facts.narrowly} RESET log_statement;",
        "command line": None,
    }
    everywhere = "ALTER SYSTEM SET log_statement = 'none'; SELECT pg_reload_conf();"
    return narrower.get(facts.log_statement_source, everywhere)


def _file(database: Database, directory: Path, facts: _Facts) -> Path:
    return snapshots.place(database, directory) / f"log_slow-{facts.role_oid}.json"


def _remembered(file: Path) -> _Remembered | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=_Remembered)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise BadData(
            _("What was logged before cannot be read."),
            why=_("{file} is damaged: {error}.").format(file=file, error=error),
            hint=f"rm {file}",
        ) from error


def _remember(file: Path, remembered: _Remembered) -> None:
    files.directory(file.parent, mode=0o700)
    files.write(file, msgspec.json.encode(remembered), mode=0o600)
