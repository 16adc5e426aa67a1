"""One database for the tests of a module, emptied before each, and what changes it."""

from collections.abc import Iterator

import pytest

from chatai_core.adapters.crypto import Cipher
from chatai_core.adapters.orm import Orm
from chatai_core.adapters.postgres import Database
from chatai_core.settings import Database as DatabaseSettings
from tests.servers.databases import Databases


@pytest.fixture(scope="module")
def module_url(databases: Databases) -> Iterator[str]:
    """The database of this module: a copy for each test would take ten times as long as emptying it."""
    with databases.migrated() as url:
        yield url


@pytest.fixture
def orm(module_url: str) -> Iterator[Orm]:
    """The engine, with a pool of connections; nothing is in the tables yet."""
    orm = Orm(module_url, DatabaseSettings())
    Database(orm.url, borrow=orm.borrowed).execute(
        "TRUNCATE users, ai_token_pool, ai_token_usage RESTART IDENTITY CASCADE"
    )
    yield orm
    orm.close()


@pytest.fixture
def database(orm: Orm) -> Database:
    """Questions over the pool's connections, from any thread."""
    return Database(orm.url, borrow=orm.borrowed)


@pytest.fixture
def cipher() -> Cipher:
    """What seals the keys."""
    return Cipher("a key for tests")
