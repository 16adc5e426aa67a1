"""Every setting, where its value came from, and what is wrong with it.

A setting stands in one place: its type, its name in the environment, its sentence, its default. Values come from the
command line, the environment, ``.env`` (or ``.env.NAME`` with a profile), ``/etc/chatai/chatai.env``, the default,
in this order. ``NAME_FILE`` names a file that holds the value of ``NAME``. An empty value counts as not given.
"""

import functools
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

import msgspec

from chatai_core.errors import Misconfigured
from chatai_core.i18n import _

SYSTEM_FILE = Path("/etc/chatai/chatai.env")
CHECKOUT = Path(__file__).resolve().parents[1]


class Secret:
    """A value that must not be shown: its text is ``********`` everywhere but in ``reveal()``."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself, for the one place that needs it."""
        return self._value

    def __str__(self) -> str:
        return "********"

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


def named(name: str, description: str, **limits: Any) -> msgspec.Meta:
    """A setting's name in the environment, its sentence, and msgspec's limits (ge, le, pattern, …)."""
    return msgspec.Meta(description=description, extra={"name": name}, **limits)


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """Settings that belong together."""


class Paths(Section, frozen=True):
    """Where ChatAI keeps its files."""

    home: Annotated[Path | None, named("CHATAI_HOME", _("Embedded data, keys, state and sockets."))] = None
    log_dir: Annotated[Path | None, named("CHATAI_LOG_DIR", _("Directory of api.log and audit.log."))] = None
    backup_dir: Annotated[Path | None, named("CHATAI_BACKUP_DIR", _("Directory of the backups."))] = None


class Database(Section, frozen=True):
    """PostgreSQL, and how many connections one backend process keeps to it."""

    url: Annotated[
        Secret | None, named("DATABASE_URL", _("postgresql://user:password@host:5432/name; none: embedded."))
    ] = None
    pool_size: Annotated[int, named("DB_POOL_SIZE", _("Connections kept open."), ge=1, le=1000)] = 15
    max_overflow: Annotated[int, named("DB_MAX_OVERFLOW", _("Connections above these."), ge=0, le=1000)] = 20
    pool_timeout: Annotated[float, named("DB_POOL_TIMEOUT", _("Seconds to wait for one."), gt=0)] = 30.0
    pool_recycle: Annotated[int, named("DB_POOL_RECYCLE", _("Seconds until one is renewed."), ge=-1)] = 3600
    connect_timeout: Annotated[int, named("DB_CONNECT_TIMEOUT", _("Seconds to wait for the server."), ge=1, le=600)] = 5


class Redis(Section, frozen=True):
    """Redis or Valkey: counters, limits and caches."""

    url: Annotated[Secret | None, named("REDIS_URL", _("redis://host:6379/0; none: embedded."))] = None


class Keys(Section, frozen=True):
    """Secrets of this installation. In development they are made once, in CHATAI_HOME."""

    secret: Annotated[Secret | None, named("SECRET_KEY", _("Signs sessions and CSRF tokens."))] = None
    encryption: Annotated[
        Secret | None, named("CHATAI_ENCRYPTION_KEY", _("Encrypts tokens at rest; none: SECRET_KEY does."))
    ] = None
    internal: Annotated[
        Secret | None, named("CHATAI_INTERNAL_KEY", _("Between backend, bot manager and command line."))
    ] = None


class OpenAI(Section, frozen=True):
    """Where chat completions come from."""

    api_key: Annotated[Secret | None, named("OPENAI_API_KEY", _("Used when no key of the pool can."))] = None
    base_url: Annotated[str, named("OPENAI_BASE_URL", _("Base URL of the OpenAI API."), pattern="^https?://")] = (
        "https://api.openai.com/v1"
    )
    timeout: Annotated[float, named("OPENAI_TIMEOUT", _("Seconds to wait for a completion."), gt=0)] = 60.0


class Telegram(Section, frozen=True):
    """The Bot API and its limits."""

    api_url: Annotated[str, named("TELEGRAM_API_URL", _("Where the Bot API is."), pattern="^https?://")] = (
        "https://api.telegram.org"
    )
    global_rps: Annotated[int, named("TELEGRAM_RATE_GLOBAL_RPS", _("Messages/s of a bot."), ge=1)] = 30
    chat_rps: Annotated[float, named("TELEGRAM_RATE_CHAT_RPS", _("Messages/s into a chat."), gt=0)] = 1.0
    burst_size: Annotated[int, named("TELEGRAM_RATE_BURST_SIZE", _("Messages at once."), ge=1)] = 5


class Server(Section, frozen=True):
    """The backend API and the bot manager."""

    host: Annotated[str, named("CHATAI_HOST", _("Address that the backend listens on."))] = "127.0.0.1"
    port: Annotated[int, named("CHATAI_PORT", _("Port of the backend."), ge=0, le=65535)] = 8000
    manager_port: Annotated[int, named("CHATAI_MANAGER_PORT", _("Port of the bot manager."), ge=0, le=65535)] = 3001
    api_url: Annotated[str, named("CHATAI_API_URL", _("Where the backend is asked."), pattern="^https?://")] = (
        "http://127.0.0.1:8000"
    )
    manager_url: Annotated[
        str, named("CHATAI_MANAGER_URL", _("Where the bot manager is asked."), pattern="^https?://")
    ] = "http://127.0.0.1:3001"
    workers: Annotated[int, named("CHATAI_WORKERS", _("Backend processes."), ge=1, le=64)] = 1
    cors_origins: Annotated[
        str, named("CORS_ORIGINS", _("Origins of browsers that may call, separated by commas."))
    ] = ""
    trusted_proxies: Annotated[
        str, named("CHATAI_TRUSTED_PROXIES", _("Addresses or networks whose X-Forwarded-For is believed."))
    ] = ""
    csrf: Annotated[bool, named("ENABLE_CSRF_PROTECTION", _("Require the CSRF token on requests with cookies."))] = (
        False
    )
    body_limit: Annotated[int, named("CHATAI_BODY_LIMIT", _("Largest request body, in bytes."), ge=1024)] = 1_048_576
    token_minutes: Annotated[int, named("CHATAI_TOKEN_MINUTES", _("Lifetime of a bearer token, in minutes."), ge=1)] = (
        60
    )


class Journal(Section, frozen=True):
    """What the system writes about itself."""

    level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"], named("LOG_LEVEL", _("Least important level written."))
    ] = "INFO"
    format: Annotated[Literal["text", "json"], named("LOG_FORMAT", _("Lines for people or for collectors."))] = "text"


class Settings(Section, frozen=True):
    """All settings of one installation."""

    environment: Annotated[
        Literal["development", "production"], named("ENVIRONMENT", _("Production refuses every convenience."))
    ] = "development"
    profile: Annotated[str | None, named("CHATAI_PROFILE", _("Reads .env.NAME in place of .env."))] = None
    readonly: Annotated[bool, named("CHATAI_READONLY", _("Refuse every change."))] = False
    language: Annotated[str | None, named("CHATAI_LANG", _("Language of messages: en, ru."))] = None
    locale_dir: Annotated[Path | None, named("CHATAI_LOCALE_DIR", _("Directory of more translations."))] = None
    paths: Paths = Paths()
    database: Database = Database()
    redis: Redis = Redis()
    keys: Keys = Keys()
    openai: OpenAI = OpenAI()
    telegram: Telegram = Telegram()
    server: Server = Server()
    journal: Journal = Journal()

    @property
    def in_production(self) -> bool:
        """Whether conveniences (embedded servers, made-up keys, migrations at start) are off."""
        return self.environment == "production"

    @property
    def home(self) -> Path:
        """CHATAI_HOME, absolute; by default /var/lib/chatai for root, else the user's data directory."""
        if self.paths.home is not None:
            return self.paths.home.expanduser().absolute()
        if os.geteuid() == 0:
            return Path("/var/lib/chatai")
        if data := os.environ.get("XDG_DATA_HOME"):
            return Path(data) / "chatai"
        try:
            return Path.home() / ".local" / "share" / "chatai"
        except RuntimeError as error:
            raise Misconfigured(
                _("There is no home directory for ChatAI's files."),
                why=_("Neither HOME nor CHATAI_HOME is set, and this user has no entry in /etc/passwd."),
                hint="export CHATAI_HOME=/tmp/chatai",
            ) from error

    @property
    def log_dir(self) -> Path:
        """CHATAI_LOG_DIR; else /var/log/chatai in production, backend/logs in a checkout, else below home."""
        if self.paths.log_dir is not None:
            return self.paths.log_dir.expanduser().absolute()
        if self.in_production:
            return Path("/var/log/chatai")
        return CHECKOUT / "backend" / "logs" if (CHECKOUT / "alembic.ini").exists() else self.home / "logs"

    @property
    def backup_dir(self) -> Path:
        """CHATAI_BACKUP_DIR; else ``backups`` below home."""
        chosen = self.paths.backup_dir
        return self.home / "backups" if chosen is None else chosen.expanduser().absolute()


class Definition(msgspec.Struct, frozen=True):
    """One setting as it is declared: where it lives, its type, its sentence, its default."""

    name: str
    section: str
    field: str
    type: Any
    description: str
    default: Any

    @property
    def is_secret(self) -> bool:
        """Whether its value is never shown."""
        return Secret in get_args(get_args(self.type)[0])


class Value(msgspec.Struct, frozen=True):
    """A setting's text as it was found, and where."""

    text: str
    origin: str


@functools.cache
def definitions() -> tuple[Definition, ...]:
    """Every setting, in the order in which it is declared."""
    return tuple(_definitions_of(Settings, ""))


def _definitions_of(section: type[Section], path: str) -> Iterator[Definition]:
    hints = get_type_hints(section, include_extras=True)
    for field in msgspec.structs.fields(section):
        hint = hints[field.name]
        if isinstance(hint, type) and issubclass(hint, Section):
            yield from _definitions_of(hint, field.name)
            continue
        meta = next(m for m in hint.__metadata__ if isinstance(m, msgspec.Meta))
        assert meta.extra is not None and meta.description is not None
        yield Definition(meta.extra["name"], path, field.name, hint, meta.description, field.default)


def load(
    overrides: Mapping[str, str] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> Settings:
    """The settings of this process; ``overrides`` (the command line) are by name, as text. Raises Misconfigured."""
    return build(found(overrides, environ=environ, directory=directory))


def found(
    overrides: Mapping[str, str] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> dict[str, Value]:
    """Every value that was given, by the setting's name, from the source that wins. Raises Misconfigured."""
    environ = os.environ if environ is None else environ
    given: dict[str, Value] = {}
    for origin, values in _sources(overrides or {}, environ, directory or Path.cwd()):
        for definition in definitions():
            text = _text(definition.name, values, origin)
            if text is not None and definition.name not in given:
                given[definition.name] = text
    return given


def build(given: Mapping[str, Value]) -> Settings:
    """Settings from texts; the first value that does not fit its type is named. Raises Misconfigured."""
    tree: dict[str, Any] = {}
    for definition in definitions():
        if definition.name in given:
            value = _converted(definition, given[definition.name])
            (tree.setdefault(definition.section, {}) if definition.section else tree)[definition.field] = value
    for name, values in tree.items():
        if isinstance(values, dict):
            tree[name] = get_type_hints(Settings)[name](**values)
    return Settings(**tree)


def _converted(definition: Definition, value: Value) -> Any:
    text: str | bool = value.text.strip()
    if isinstance(definition.default, bool):
        text = {"1": True, "yes": True, "on": True, "0": False, "no": False, "off": False}.get(
            value.text.strip().lower(), value.text.strip().lower()
        )
    try:
        return msgspec.convert(text, definition.type, strict=False, dec_hook=lambda kind, raw: kind(raw))
    except (msgspec.ValidationError, ValueError, TypeError) as error:
        shown = "********" if definition.is_secret else value.text
        raise Misconfigured(
            _("{name} cannot be {value}.").format(name=definition.name, value=repr(shown)),
            why=_("{origin}: {reason}.").format(origin=value.origin, reason=str(error).rstrip(".")),
            hint="chatai config check",
        ) from error


def _sources(
    overrides: Mapping[str, str], environ: Mapping[str, str], directory: Path
) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Pairs of the source's name and its values, the strongest first."""
    if overrides:
        yield _("command line"), overrides
    _refuse_unknown({n: v for n, v in environ.items() if n.startswith("CHATAI_")}, _("environment"), strict=True)
    yield _("environment"), environ
    profile = overrides.get("CHATAI_PROFILE") or environ.get("CHATAI_PROFILE")
    file = directory / (f".env.{profile}" if profile else ".env")
    if profile and not file.exists():
        raise Misconfigured(
            _("There is no profile {name}.").format(name=profile),
            why=_("{file} does not exist.").format(file=file),
            hint="chatai config show --origin",
        )
    for path in (file, SYSTEM_FILE):
        if values := _read(path):
            _refuse_unknown(values, str(path), strict=False)
            yield str(path), values


def _text(name: str, values: Mapping[str, str], origin: str) -> Value | None:
    """The value of NAME, or what the file behind NAME_FILE holds."""
    direct, file = values.get(name), values.get(f"{name}_FILE")
    if direct and file:
        raise Misconfigured(
            _("Both {name} and {name}_FILE are set.").format(name=name),
            why=_("Only one of them can be meant, in {origin}.").format(origin=origin),
            hint="chatai config show --origin",
        )
    if file:
        try:
            return Value(Path(file).read_text("utf-8").strip(), f"{origin}, {file}")
        except (OSError, UnicodeError) as error:
            raise Misconfigured(
                _("{name}_FILE cannot be read.").format(name=name),
                why=f"{file}: {error}",
                hint=f"ls -l {file}",
            ) from error
    return Value(direct, origin) if direct else None


def _read(path: Path) -> dict[str, str]:
    """What an environment file says; empty when there is none."""
    from dotenv.parser import parse_stream  # the only user of the library

    try:
        with path.open(encoding="utf-8-sig") as stream:
            bindings = list(parse_stream(stream))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeError) as error:
        raise Misconfigured(
            _("{file} cannot be read.").format(file=path), why=f"{error}.", hint=f"ls -l {path}"
        ) from error
    for binding in bindings:
        if binding.error:
            raise Misconfigured(
                _("{file} is broken in line {line}.").format(file=path, line=binding.original.line),
                why=_("A line is NAME=value, a comment, or empty; quotes must be closed."),
                hint=f"${{EDITOR:-vi}} +{binding.original.line} {path}",
            )
    return {b.key: b.value or "" for b in bindings if b.key is not None}


def _refuse_unknown(values: Mapping[str, str], origin: str, *, strict: bool) -> None:
    """Refuse CHATAI_… that nobody reads and what looks like a slip; other programs' names pass."""
    for name in unknown(values):
        nearest = close_name(name)
        if strict or name.startswith("CHATAI_") or nearest:
            raise Misconfigured(
                _("There is no setting {name}.").format(name=name),
                why=_("It stands in {origin}.").format(origin=origin)
                + (" " + _("Did you mean {name}?").format(name=nearest) if nearest else ""),
                hint="chatai config show",
            )


def unknown(values: Mapping[str, str]) -> list[str]:
    """The names among these that ChatAI does not read."""
    known = {definition.name for definition in definitions()}
    return [name for name in values if name not in known and name.removesuffix("_FILE") not in known]


def close_name(name: str) -> str | None:
    """The setting that this name is a slip of, if it is near enough to one."""
    import difflib

    names = [definition.name for definition in definitions()]
    return next(iter(difflib.get_close_matches(name, names, n=1, cutoff=0.88)), None)


def ignored(directory: Path | None = None) -> dict[str, str]:
    """Names in the environment files that ChatAI does not read, with the file."""
    files = (directory or Path.cwd()) / ".env", SYSTEM_FILE
    return {name: str(path) for path in files for name in unknown(_read(path))}


if sys.platform == "win32":  # pragma: no cover
    raise SystemExit("ChatAI runs on Linux and macOS.")
