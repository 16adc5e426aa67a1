"""Sessions of other people, doing what keeps a server busy: idle in a transaction, a query that runs or waits."""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
import psycopg2.extensions

from chatai_core.adapters import embedded
from chatai_core.adapters.postgres import libpq

Connection = psycopg2.extensions.connection


@contextmanager
def connected(url: str, application: str = "shop", **parameters: Any) -> Iterator[Connection]:
    """A session that is idle."""
    with closing(psycopg2.connect(libpq(url), application_name=application, **parameters)) as connection:
        yield connection


def tell(connection: Connection, *statements: str) -> Any:
    """Have it carry these out and stay in its transaction; the first value of the last answer."""
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


@contextmanager
def idle_in_transaction(url: str, *statements: str, application: str = "shop") -> Iterator[int]:
    """A session with an open transaction; its number."""
    with connected(url, application) as connection:
        tell(connection, *(statements or ("SELECT 1",)))
        yield connection.get_backend_pid()


@contextmanager
def running(url: str, *statements: str, application: str = "shop", **parameters: Any) -> Iterator[int]:
    """A session that carries these out, of which the last does not end soon; its number. It may be ended by others."""
    with connected(url, application, **parameters) as connection:
        tell(connection, *statements[:-1])
        thread = threading.Thread(target=_until_ended, args=(connection, statements[-1]))
        thread.start()
        pid = connection.get_backend_pid()
        try:
            with connected(url, "watcher") as watcher:
                watcher.autocommit = True
                until(lambda: _is_active(watcher, pid))
            yield pid
        finally:
            while thread.is_alive():
                connection.cancel()
                thread.join(0.2)


def _is_active(watcher: Connection, pid: int) -> bool:
    return bool(tell(watcher, f"SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} AND state = 'active'"))


def _until_ended(connection: Connection, statement: str) -> None:
    try:
        tell(connection, statement)
    except psycopg2.Error:
        pass  # it was cancelled or terminated


def until(true: Callable[[], Any], *, seconds: float = 20) -> None:
    """Wait until it is so."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "It did not come to that."
        time.sleep(0.02)


_WAITING_DUMP = """
SELECT count(*) FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
WHERE NOT l.granted AND a.query LIKE 'LOCK TABLE%%' AND a.datname = current_database()
"""


@contextmanager
def dumping(url: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A real pg_dump, which somebody's lock keeps waiting; the newest one dumps every older server."""
    binaries = embedded.postgres_binaries()
    assert binaries is not None
    process = subprocess.Popen(
        [binaries / "pg_dump", "-d", libpq(url), "-Fc"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )
    try:
        with connected(url, "watcher") as watcher:
            watcher.autocommit = True
            until(lambda: tell(watcher, _WAITING_DUMP))
        yield process
    finally:
        process.kill()
        process.wait()
