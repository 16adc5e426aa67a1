"""Users as an operator adds them."""

from collections.abc import Iterator

import pytest

from chatai_core.accounts import users
from chatai_core.accounts.users import User
from chatai_core.adapters.orm import Orm
from chatai_core.settings import Database as DatabaseSettings

PASSWORD = "correct horse 7"


@pytest.fixture
def orm(database_url: str) -> Iterator[Orm]:
    """The test's database through the models."""
    opened = Orm(database_url, DatabaseSettings())
    yield opened
    opened.close()


@pytest.fixture
def ann(orm: Orm) -> User:
    """A user whose password is PASSWORD."""
    return users.add(orm, "ann@example.com", PASSWORD)
