"""A former ChatAI's database, for each test its own."""

import uuid
from collections.abc import Iterator

import pytest

from tests.core.migrations import former
from tests.servers.databases import Databases


@pytest.fixture(scope="module")
def template(databases: Databases) -> Iterator[str]:
    """The name of a former ChatAI's database, from which each test has its own."""
    name = f"former_{uuid.uuid4().hex[:12]}"
    with databases.named(name) as url:
        former.build(url)
        yield name


@pytest.fixture
def url(template: str, databases: Databases) -> Iterator[str]:
    """A former ChatAI's database, to be spoilt."""
    with databases.named(f"test_{uuid.uuid4().hex[:12]}", template=template) as url:
        yield url
