"""What an operator asks of the settings: which are in force and why, whether they will do, and a file to begin with."""

import os
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from chatai_core import settings as known
from chatai_core.adapters import files
from chatai_core.errors import CannotCreate, Misconfigured, NotFound
from chatai_core.findings import Finding, Survey, worst
from chatai_core.i18n import _
from chatai_core.plans import Plan
from chatai_core.settings import Definition, Secret, Settings, Value

NEEDED_IN_PRODUCTION = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "CHATAI_INTERNAL_KEY")
_SHORTEST_KEY = 32
_HEAD = _(
    "Settings of ChatAI. It reads .env in the directory in which it is started; environment variables win over it.\n"
    "A line that is commented out shows the default. NAME_FILE=path reads the value of NAME from a file."
)


@dataclass(frozen=True, slots=True)
class InForce:
    """A setting and its value; a secret is masked."""

    name: str
    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Traced(InForce):
    """A setting, its value, and where that comes from."""

    origin: str


@dataclass(frozen=True, slots=True)
class Written:
    """A settings file that was made."""

    path: str
    fresh: list[str]


def here() -> Path:
    """The directory whose .env is meant. Raises NotFound when it was removed under our feet."""
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise NotFound(_("The current directory does not exist any more."), hint="cd") from error


def in_force(settings: Settings) -> list[InForce]:
    """Every setting with its value."""
    return [InForce(definition.name, _shown(settings, definition)) for definition in known.definitions()]


def traced(settings: Settings, given: dict[str, Value]) -> list[Traced]:
    """Every setting with its value and its origin; ``given`` is what ``settings.found`` found."""
    return [
        Traced(d.name, _shown(settings, d), given[d.name].origin if d.name in given else _("default"))
        for d in known.definitions()
    ]


def check(settings: Settings, directory: Path) -> Survey:
    """Whether the settings will do; they could be read, or there would be none. Reads, writes nothing."""
    begun = time.monotonic()
    findings = [
        _check_production(settings),
        _check_keys(settings),
        _check_names(directory),
        _check_mode(directory / ".env"),
        *_check_directories(settings),
    ]
    return Survey(worst(findings), findings, time.monotonic() - begun)


def template(keys: dict[str, str] | None = None) -> str:
    """A settings file: every setting with its sentence; those of ``keys`` with a value, the rest commented out."""
    lines = [f"# {line}" for line in _HEAD.splitlines()]
    section = None
    for definition in known.definitions():
        if definition.section != section:
            section = definition.section
            lines += ["", "", f"# {_sentence(section)}"] if section else []
        value = (keys or {}).get(definition.name)
        shown = f"{definition.name}={value}" if value else f"#{definition.name}={_written(definition.default)}"
        lines += ["", f"# {definition.description}", shown]
    return "\n".join(lines) + "\n"


def plan_file(path: Path) -> Plan:
    """What ``write_file`` would do. Raises CannotCreate when the file exists."""
    if path.exists() or path.is_symlink():
        raise _exists(path)
    return Plan(
        _("Write {path} from the template.").format(path=path),
        [
            _("Make {names} anew, or take over those of the home directory.").format(names=", ".join(_KEYS)),
            _("Let nobody but its owner read the file (mode 0600)."),
        ],
    )


def write_file(path: Path) -> Written:
    """Write a settings file with keys of its own, never over another. Raises CannotCreate."""
    keys, fresh = _keys(_home())
    if not files.write(path, template(keys), mode=0o600, replace=False):
        raise _exists(path)
    return Written(str(path), fresh)


_KEYS = ("SECRET_KEY", "CHATAI_ENCRYPTION_KEY", "CHATAI_INTERNAL_KEY")


def _keys(home: Path | None) -> tuple[dict[str, str], list[str]]:
    """Keys by name, and which of them are new: those that development made already sealed what is in the database."""
    kept = {name: key for name in _KEYS if (key := _kept(home, name))}
    wanted = [name for name in _KEYS if name not in kept]
    if "SECRET_KEY" in kept:  # it sealed the secrets in the database: another key could not open them
        wanted = [name for name in wanted if name != "CHATAI_ENCRYPTION_KEY"]
    return {name: kept.get(name) or secrets.token_hex(32) for name in (*kept, *wanted)}, wanted


def _kept(home: Path | None, name: str) -> str | None:
    path = home / "keys" / name.lower() if home else None
    return files.kept(path) if path else None


def _home() -> Path | None:
    try:
        return known.load().home
    except Misconfigured:
        return None


def _exists(path: Path) -> CannotCreate:
    return CannotCreate(
        _("{path} exists already.").format(path=path), why=_("It is never overwritten."), hint=f"mv {path} {path}.old"
    )


def _shown(settings: Settings, definition: Definition) -> Any:
    section = getattr(settings, definition.section) if definition.section else settings
    value = getattr(section, definition.field)
    if value is None and definition.section == "paths":
        value = getattr(settings, definition.field)
    if isinstance(value, Secret):
        return _masked_url(value.reveal()) if definition.name.endswith("_URL") else str(value)
    return str(value) if isinstance(value, Path) else value


def _masked_url(url: str) -> str:
    """The address without password and parameters."""
    parts = urlsplit(url)
    if not parts.scheme or not parts.netloc:
        return "********"
    user, at, host = parts.netloc.rpartition("@")
    return f"{parts.scheme}://{user.partition(':')[0]}{':********' if ':' in user else ''}{at}{host}{parts.path}"


def _written(default: Any) -> str:
    if default is None:
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)


def _sentence(section: str) -> str:
    return _((type(getattr(Settings(), section)).__doc__ or "").strip().partition("\n")[0])


def _check_production(settings: Settings) -> Finding:
    given = {d.name for d in known.definitions() if _shown(settings, d) not in {None, ""}}
    lacking = [name for name in NEEDED_IN_PRODUCTION if name not in given]
    evidence = {"environment": settings.environment, "lacking": lacking}
    if not lacking:
        return Finding("production", "ok", _("Everything that production needs is set."), evidence)
    names = ", ".join(lacking)
    if settings.in_production:
        remedy = "chatai init" if any(name.endswith("_KEY") for name in lacking) else "${EDITOR:-vi} .env"
        return Finding("production", "critical", _("Production lacks {names}.").format(names=names), evidence, remedy)
    return Finding(
        "production", "ok", _("Development; production would also need {names}.").format(names=names), evidence
    )


def _check_keys(settings: Settings) -> Finding:
    keys = {"SECRET_KEY": settings.keys.secret, "CHATAI_ENCRYPTION_KEY": settings.keys.encryption}
    keys |= {"CHATAI_INTERNAL_KEY": settings.keys.internal}
    short = [name for name, key in keys.items() if key and len(key.reveal()) < _SHORTEST_KEY]
    if not short:
        return Finding("keys", "ok", _("The keys that are set are long enough."))
    return Finding(
        "keys",
        "warning",
        _("{names}: shorter than {count} characters.").format(names=", ".join(short), count=_SHORTEST_KEY),
        {"short": short},
        "openssl rand -hex 32",
    )


def _check_names(directory: Path) -> Finding:
    ignored = known.ignored(directory)
    if not ignored:
        return Finding("names", "ok", _("Every name in the settings files is known."))
    return Finding(
        "names",
        "warning",
        _("Nobody reads {names}.").format(names=", ".join(sorted(ignored))),
        {"ignored": ignored},
        "chatai config show",
    )


def _check_mode(file: Path) -> Finding:
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
    except OSError:
        return Finding("mode", "ok", _("There is no .env here whose mode could matter."))
    if mode & 0o077:
        summary = _("{file} can be read by others (mode {mode}).").format(file=file, mode=f"{mode:04o}")
        return Finding("mode", "warning", summary, {"mode": f"{mode:04o}"}, f"chmod 600 {file}")
    return Finding("mode", "ok", _("Only its owner can read {file}.").format(file=file))


def _check_directories(settings: Settings) -> Iterator[Finding]:
    directories: dict[str, Callable[[], Path]] = {
        "CHATAI_HOME": lambda: settings.home,
        "CHATAI_LOG_DIR": lambda: settings.log_dir,
        "CHATAI_BACKUP_DIR": lambda: settings.backup_dir,
    }
    for name, directory in directories.items():
        yield _check_directory(name, directory())


def _check_directory(name: str, directory: Path) -> Finding:
    """A directory that is missing will do when it can be made."""
    nearest = next(path for path in (directory, *directory.parents) if os.access(path, os.F_OK))
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return Finding(name, "ok", _("{path} can be written.").format(path=directory), {"path": str(directory)})
    summary = _("{path} cannot be written.").format(path=directory)
    return Finding(name, "critical", summary, {"path": str(directory)}, f"ls -ld {nearest}")
