"""One ChatAI installation: its settings and its connections, each opened when first used, all closed at the end."""

import functools
import os
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from chatai_core import settings as settings_module
from chatai_core.adapters import embedded, files
from chatai_core.adapters.crypto import Cipher
from chatai_core.adapters.postgres import READ_ONLY, Database
from chatai_core.errors import CannotCreate, Misconfigured, NotPermitted
from chatai_core.i18n import _
from chatai_core.settings import Secret, Settings, Value

if TYPE_CHECKING:
    from chatai_core.adapters.orm import Orm
    from chatai_core.adapters.redis import Redis


class Installation:
    """What the commands, the server and the workers are given."""

    def __init__(
        self, overrides: Mapping[str, str] | None = None, *, pooled: bool = False, explaining: bool = False
    ) -> None:
        """``overrides`` are the command line's settings, by name; ``pooled`` lends connections to many threads.

        When ``explaining``, questions in SQL are written to ``explained`` in place of being asked.
        """
        self._overrides = dict(overrides or {})
        self._pooled = pooled
        self.explained: list[str] | None = [] if explaining else None
        self._at_the_end = ExitStack()

    def altered(self, overrides: Mapping[str, str], *, pooled: bool = False) -> "Installation":
        """The same installation under more settings of the command line; it is opened and closed by itself."""
        return Installation({**self._overrides, **overrides}, pooled=pooled)

    @functools.cached_property
    def settings(self) -> Settings:
        """The settings, read when first asked. Raises Misconfigured."""
        return settings_module.build(self.given)

    @functools.cached_property
    def given(self) -> dict[str, Value]:
        """Every value that was given, with its origin. Raises Misconfigured."""
        return settings_module.found(self._overrides)

    @functools.cached_property
    def home(self) -> Path:
        """CHATAI_HOME, made when it is missing."""
        return files.directory(self.settings.home)

    @functools.cached_property
    def state(self) -> Path:
        """What commands remember from one call to the next, below home; made when it is missing.

        Who may not make it gets his answer all the same: he is told when something is to be remembered.
        """
        with suppress(CannotCreate):
            files.directory(self.home / "state", mode=0o700)
        return self.settings.home / "state"

    @functools.cached_property
    def database_url(self) -> str:
        """DATABASE_URL, or the embedded PostgreSQL's while this installation is open."""
        configured = self.settings.database.url
        return configured.reveal() if configured else self._embedded.database_url

    @functools.cached_property
    def redis_url(self) -> str:
        """REDIS_URL, or the embedded Valkey's while this installation is open."""
        configured = self.settings.redis.url
        return configured.reveal() if configured else self._embedded.redis_url

    @functools.cached_property
    def database(self) -> Database:
        """PostgreSQL for questions in SQL."""
        borrow = self.orm.borrowed if self._pooled else None
        return self._opened(
            Database(self.database_url, connect_timeout=self._patience, borrow=borrow, explained=self.explained)
        )

    @functools.cached_property
    def reports(self) -> Database:
        """PostgreSQL for reports about itself: read-only, with short timeouts, over a connection of their own."""
        return self.reading(self.database_url)

    def reading(self, url: str, **settings: str) -> Database:
        """A database (a replica, or the same with other settings of the session) for reports about it."""
        return self._opened(
            Database(url, connect_timeout=self._patience, settings=READ_ONLY | settings, explained=self.explained)
        )

    @functools.cached_property
    def orm(self) -> "Orm":
        """PostgreSQL for changes through the models."""
        from chatai_core.adapters.orm import Orm  # SQLAlchemy takes 130 ms to import

        orm = Orm(self.database_url, self.settings.database)
        self._at_the_end.callback(orm.close)
        return orm

    @functools.cached_property
    def redis(self) -> "Redis":
        """Redis or Valkey."""
        from chatai_core.adapters.redis import Redis  # redis-py takes 100 ms to import

        redis = Redis(self.redis_url)
        self._at_the_end.callback(redis.close)
        return redis

    @functools.cached_property
    def secret_key(self) -> str:
        """SECRET_KEY; in development one is made once in CHATAI_HOME. Raises Misconfigured in production."""
        return self._key("SECRET_KEY", self.settings.keys.secret)

    @functools.cached_property
    def internal_key(self) -> str:
        """CHATAI_INTERNAL_KEY, sent as X-Chatai-Key; made once in development."""
        return self._key("CHATAI_INTERNAL_KEY", self.settings.keys.internal)

    @functools.cached_property
    def cipher(self) -> Cipher:
        """Seals and opens the secrets in the database."""
        key = self.settings.keys.encryption
        return Cipher(key.reveal() if key else self.secret_key)

    @property
    def postgres_programs(self) -> Path | None:
        """Where the embedded PostgreSQL keeps pg_dump and its kin; None when it is not installed."""
        return embedded.postgres_binaries()

    def environment(self) -> dict[str, str]:
        """What a process that this one starts needs around it to be the same installation, whatever files say then."""
        others = {name: value for name, value in os.environ.items() if name not in settings_module.names()}
        given = {name: value.text for name, value in self.given.items()}
        return {**others, **given, "DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}

    def must_be_writable(self) -> None:
        """Refuse a change under CHATAI_READONLY. Raises NotPermitted."""
        if self.settings.readonly:
            raise NotPermitted(
                _("This profile is read-only."),
                why=_("CHATAI_READONLY is true."),
                hint="chatai config show --origin",
            )

    def close(self) -> None:
        """Close what was opened, the last first; the last process stops the embedded servers."""
        self._at_the_end.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _patience(self) -> int:
        return self.settings.database.connect_timeout

    def _opened(self, database: Database) -> Database:
        self._at_the_end.callback(database.close)
        return database

    @functools.cached_property
    def _embedded(self) -> embedded.Lease:
        settings = self.settings
        missing = [n for n, u in (("DATABASE_URL", settings.database.url), ("REDIS_URL", settings.redis.url)) if not u]
        if settings.in_production:
            raise Misconfigured(
                _("{names} must be set in production.").format(names=", ".join(missing)),
                why=_("The embedded servers are for development."),
                hint="chatai config check",
            )
        lease = embedded.acquire(self.home, postgres=settings.database.url is None, valkey=settings.redis.url is None)
        self._at_the_end.callback(lease.release)
        return lease

    def _key(self, name: str, configured: Secret | None) -> str:
        if configured is not None:
            return configured.reveal()
        if self.settings.in_production:
            raise Misconfigured(
                _("{name} must be set in production.").format(name=name),
                why=_("Without it nobody could read the secrets again, or everybody could forge sessions."),
                hint="chatai config check",
            )
        return files.secret(self.home / "keys" / name.lower())
