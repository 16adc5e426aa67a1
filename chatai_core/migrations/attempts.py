"""Trying a migration again when a lock was not to be had, and seeing who kept it away."""

import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from chatai_core.adapters import postgres
from chatai_core.adapters.postgres import Database
from chatai_core.errors import Busy, ChataiError
from chatai_core.i18n import _
from chatai_core.migrations import troubles
from chatai_core.migrations.terms import Terms
from chatai_core.units import Seconds

if TYPE_CHECKING:
    from sqlalchemy import Connection

Result = TypeVar("Result")

_EVERY: Seconds = 0.1  # several times within the shortest lock_timeout that makes sense


@dataclass(frozen=True, slots=True)
class Blocker:
    """A session that holds what the migration waits for."""

    pid: int
    application: str
    role: str
    address: str
    state: str
    query_start: datetime | None

    def __str__(self) -> str:
        return _(
            "Process {pid} ({application}, role {role}, {address}) is {state}, its query began at {start}."
        ).format(
            pid=self.pid,
            application=self.application,
            role=self.role,
            address=self.address,
            state=self.state,
            start=self.query_start.isoformat(" ", "seconds") if self.query_start else "?",
        )


def tried(url: str, connection: "Connection", terms: Terms, attempt: Callable[[], Result]) -> tuple[Result, int]:
    """What the attempt returns, and which one it was. Raises Busy when the locks were not to be had in any of them."""
    from sqlalchemy.exc import DBAPIError

    with troubles.explained(url), _Watch(url, _pid(connection)) as watch:
        for number in range(1, terms.attempts + 1):
            try:
                return attempt(), number
            except DBAPIError as error:
                if not troubles.is_contention(error):
                    raise
                if number == terms.attempts:
                    raise _given_up(url, terms, watch) from error
                _rest(terms, number, watch)
    raise AssertionError("The last attempt has returned or raised.")


def _rest(terms: Terms, number: int, watch: "_Watch") -> None:
    pause = terms.pause * 2 ** (number - 1)
    terms.tell(
        _("Attempt {number} of {all}: a lock was not to be had, all is undone. {who} Again in {seconds} s.").format(
            number=number, all=terms.attempts, who=watch.who(), seconds=f"{pause:g}"
        )
    )
    time.sleep(pause)


def _given_up(url: str, terms: Terms, watch: "_Watch") -> Busy:
    return Busy(
        _("A table that the migration of {name} changes is in use; nothing was changed.").format(
            name=postgres.name_of(url)
        ),
        why=_("{attempts} attempts waited {seconds} s each. {who}").format(
            attempts=terms.attempts, seconds=f"{terms.lock_timeout:g}", who=watch.who()
        ),
        hint="chatai db locks",
    )


def _pid(connection: "Connection") -> int:
    with connection.begin():
        return int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())


class _Watch:
    """Looks again and again, from beside, who blocks a session: once it has given up waiting, nobody does."""

    def __init__(self, url: str, pid: int) -> None:
        self._url = url
        self._pid = pid
        self._seen: list[Blocker] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watching locks", daemon=True)

    def who(self) -> str:
        """Who was seen last, in sentences."""
        return " ".join(map(str, self._seen)) or _("Who holds it was not seen.")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        with closing(Database(self._url)) as database:
            while not self._over.wait(_EVERY):
                try:
                    self._seen = database.rows(Blocker, postgres.question(__file__), pid=self._pid) or self._seen
                except ChataiError:
                    return  # the migration itself will say what is wrong with the server
