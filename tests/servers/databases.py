"""Databases of the tests: empty ones, and copies of one that the migrations made once."""

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg2
from psycopg2 import sql

from chatai_core import migrations
from tests.servers.clusters import FAST

TEMPLATE = "chatai_template"


class PostgreSQL:
    """The databases of one PostgreSQL server, which all processes of a test run share."""

    def __init__(self, url: str) -> None:
        """``url`` names any database of the server, as a superuser."""
        self._url = url

    def url(self, name: str, *, user: str = "postgres") -> str:
        """The address of one of its databases."""
        parts = urlsplit(self._url)
        return f"postgresql://{quote(user)}@/{quote(name, safe='')}?{parts.query}"

    @contextmanager
    def empty(self) -> Iterator[str]:
        """The URL of a fresh database without any table."""
        with self.named(f"test_{uuid.uuid4().hex[:12]}") as url:
            yield url

    @contextmanager
    def named(self, name: str, *, template: str = "template0") -> Iterator[str]:
        """The URL of a fresh database of this name, dropped afterwards whoever is connected."""
        self.execute("CREATE DATABASE {} TEMPLATE {}", name, template)
        try:
            yield self.url(name)
        finally:
            self.execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def execute(self, statement: str, *names: str, at: str = "postgres") -> list[tuple[Any, ...]]:
        """One statement outside of a transaction; every {} stands for a name, quoted as names need it."""
        with closing(psycopg2.connect(self.url(at))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
                return cursor.fetchall() if cursor.description else []


class Databases(PostgreSQL):
    """The same, with copies of a database at the newest revision."""

    def __init__(self, url: str, home: Path) -> None:
        """``home`` holds the lock of the template."""
        super().__init__(url)
        with exclusive(home / "template.lock"):
            if not self._exists(TEMPLATE):
                self._make_template()

    @contextmanager
    def migrated(self) -> Iterator[str]:
        """The URL of a fresh database at the newest revision."""
        with self.named(f"test_{uuid.uuid4().hex[:12]}", template=TEMPLATE) as url:
            yield url

    def _exists(self, name: str) -> bool:
        return (name,) in self.execute("SELECT datname FROM pg_database")

    def _make_template(self) -> None:
        for setting, value in FAST.items():
            self.execute(f"ALTER SYSTEM SET {setting} = '{value}'")
        self.execute("SELECT pg_reload_conf()")
        self.execute("CREATE DATABASE {} TEMPLATE template0", "being_made")
        migrations.upgrade(self.url("being_made"))
        self.execute("ALTER DATABASE {} RENAME TO {}", "being_made", TEMPLATE)


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """One process of the run at a time."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
