"""Sessions that do what a check must notice."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2


@contextmanager
def idle_in_transaction(url: str, statement: str = "SELECT 1") -> Iterator[int]:
    """A transaction that has done this and now does nothing; the number of its process."""
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            yield connection.get_backend_pid()
    finally:
        connection.close()


@contextmanager
def running(url: str, statement: str, *, application: str = "app") -> Iterator[int]:
    """A session in which this statement runs, until the end of the block."""
    connection = psycopg2.connect(url, application_name=application)
    connection.autocommit = True

    def run() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
        except psycopg2.Error:
            pass  # cancelled below

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield connection.get_backend_pid()
    finally:
        connection.cancel()
        thread.join()
        connection.close()
