"""A look at the database of a test, with limits of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chatai_core.adapters.postgres import READ_ONLY, Database
from chatai_core.database import visibility
from chatai_core.health.database.look import Look
from chatai_core.settings import DatabaseLimits

Looking = Callable[..., Look]


@pytest.fixture
def look_at(tmp_path: Path) -> Iterator[Looking]:
    """``look_at(url, **limits)``: what a check is given, over a read-only connection."""
    opened: list[Database] = []

    def look(url: str, **limits: float) -> Look:
        database = Database(url, settings=READ_ONLY)
        opened.append(database)
        return Look(database, DatabaseLimits(**limits), visibility.look(database), tmp_path)

    yield look
    for database in opened:
        database.close()


@pytest.fixture
def looking(any_url: str, look_at: Looking) -> Looking:
    """``looking(url=None, **limits)``: the same at an empty database, on every major version."""
    return lambda url=any_url, **limits: look_at(url, **limits)
