"""Index builds that do not come to their end."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg2
import psycopg2.errors


def typed(url: str, *statements: str) -> None:
    """Statements as psql runs them: each by itself, outside of a transaction."""
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
    finally:
        connection.close()


@contextmanager
def building(url: str, table: str, statement: str) -> Iterator[None]:
    """The build waits for a writer of the table meanwhile; afterwards it is cancelled."""
    writer, builder, observer = (psycopg2.connect(url) for _ in range(3))
    builder.autocommit = observer.autocommit = True
    writer.cursor().execute(f"LOCK TABLE {table} IN ROW EXCLUSIVE MODE")
    thread = threading.Thread(target=_run, args=(builder, statement))
    thread.start()
    try:
        with observer.cursor() as cursor:
            _until_it_waits(cursor, builder.info.backend_pid)
            yield
            cursor.execute("SELECT pg_cancel_backend(%s)", [builder.info.backend_pid])
        thread.join()
    finally:
        for connection in (writer, observer, builder):
            connection.close()
        thread.join()


def leave_invalid(url: str, table: str, statement: str) -> None:
    """What a build leaves that was cancelled."""
    with building(url, table, statement):
        pass


def _run(connection: psycopg2.extensions.connection, statement: str) -> None:
    with suppress(psycopg2.errors.QueryCanceled, psycopg2.InterfaceError):
        connection.cursor().execute(statement)


def _until_it_waits(cursor: psycopg2.extensions.cursor, pid: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        cursor.execute("SELECT phase LIKE 'waiting%%' FROM pg_stat_progress_create_index WHERE pid = %s", [pid])
        if cursor.fetchone() == (True,):
            return
        time.sleep(0.01)
    raise AssertionError("The build does not begin.")
