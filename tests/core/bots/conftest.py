"""A whole installation around the bots."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.bots import World, installed


@pytest.fixture
def world(database_url: str, redis_url: str, home: Path) -> Iterator[World]:
    """One user with an AI key; no bot yet, and no manager."""
    with installed(database_url, redis_url, home) as world:
        yield world
