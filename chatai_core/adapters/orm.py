"""SQLAlchemy's engine and sessions over the same database; imported by those who change rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import psycopg2
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from chatai_core.adapters import postgres
from chatai_core.errors import Busy
from chatai_core.i18n import _
from chatai_core.settings import Database as DatabaseSettings


class Orm:
    """The engine of one process: a pool of connections, sessions from it, and the pool's own numbers."""

    def __init__(self, url: str, settings: DatabaseSettings, *, application: str = "chatai") -> None:
        self.url = postgres.libpq(url)
        self.engine: Engine = create_engine(
            "postgresql+psycopg2://",
            creator=lambda: postgres.connect(self.url, timeout=settings.connect_timeout, application=application),
            poolclass=QueuePool,
            pool_size=settings.pool_size,
            max_overflow=settings.max_overflow,
            pool_timeout=settings.pool_timeout,
            pool_recycle=settings.pool_recycle,
            pool_pre_ping=True,
            hide_parameters=True,  # hashes and sealed secrets stay out of errors and logs
        )

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session in one transaction: committed at the end, rolled back on an error."""
        with self._errors_as_ours(), Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def borrowed(self) -> Iterator[postgres.Connection]:
        """A psycopg2 connection of the pool, for ``postgres.Database(borrow=…)``."""
        with self._errors_as_ours():
            lent = self.engine.raw_connection()
            try:
                yield cast(postgres.Connection, lent.driver_connection)
            finally:
                lent.close()

    @property
    def pool(self) -> QueuePool:
        """The pool: ``size()``, ``checkedout()``, ``overflow()``."""
        return cast(QueuePool, self.engine.pool)

    def close(self) -> None:
        """End all connections of the pool."""
        self.engine.dispose()

    @contextmanager
    def _errors_as_ours(self) -> Iterator[None]:
        try:
            with postgres.translated(self.url):
                yield
        except PoolTimeout as error:
            raise Busy(_("All connections of this process to PostgreSQL are in use."), why=str(error)) from error
        except DBAPIError as error:
            ours = postgres.as_ours(error.orig, self.url) if isinstance(error.orig, psycopg2.Error) else None
            if ours is None:
                raise
            raise ours from error
