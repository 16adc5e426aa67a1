"""An owner with an assistant and a bot, in a database of the test."""

import pytest

from chatai_core.adapters.postgres import Database
from tests.core.chat.owners import Owner, make_owner
from tests.core.tokens.conftest import cipher, database, module_url, orm  # noqa: F401 - the same fixtures here


@pytest.fixture
def owner(database: Database) -> Owner:  # noqa: F811
    """Whose dialogs these are."""
    return make_owner(database, "ann@example.com")
