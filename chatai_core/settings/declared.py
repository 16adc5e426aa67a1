"""Every setting in one place: its type, its name in the environment, its sentence, its default."""

import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

import msgspec

from chatai_core.errors import Misconfigured
from chatai_core.i18n import _
from chatai_core.settings.limits import DatabaseLimits
from chatai_core.settings.sections import Secret, Section, named

CHECKOUT = Path(__file__).resolve().parents[2]


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
    backup_hours: Annotated[
        float, named("CHATAI_BACKUP_HOURS", _("Hours for which a verified backup lets production be migrated."), gt=0)
    ] = 24.0
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
    database_limits: DatabaseLimits = DatabaseLimits()

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


@functools.cache
def definitions() -> tuple[Definition, ...]:
    """Every setting, in the order in which it is declared."""
    return tuple(_definitions_of(Settings, ""))


@functools.cache
def names() -> frozenset[str]:
    """Every name under which a setting can be given: NAME and NAME_FILE."""
    return frozenset(name for known in definitions() for name in (known.name, f"{known.name}_FILE"))


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
