"""The assistants: whose they are, and the one that is made for an owner who has none."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from chatai_core.adapters.orm import Orm
from chatai_core.adapters.postgres import Database
from chatai_core.chat import assistants
from chatai_core.errors import NotFound
from tests.core.chat.owners import Owner, make_owner


def test_an_assistant_is_shown_with_its_owner_and_bots(database: Database, owner: Owner) -> None:
    (assistant,) = assistants.all(database)
    assert assistants.show(database, owner.assistant_id) == assistant
    assert (assistant.name, assistant.owner, assistant.user_id) == ("Ann", "ann@example.com", owner.user_id)
    assert (assistant.model, assistant.prompt, assistant.bots) == ("gpt-4o-mini", "Be kind.", 1)


def test_an_owner_sees_their_own_only(database: Database, owner: Owner) -> None:
    other = make_owner(database, "bob@example.com")
    assert [a.id for a in assistants.all(database, owner=other.user_id)] == [other.assistant_id]
    assert len(assistants.all(database)) == 2
    with pytest.raises(NotFound, match=f"no assistant {owner.assistant_id}"):
        assistants.show(database, owner.assistant_id, owner=other.user_id)


def test_the_first_assistant_is_the_default_one(orm: Orm, owner: Owner) -> None:
    assert assistants.default(orm, owner.user_id) == owner.assistant_id


def test_a_default_assistant_is_made_once_however_many_ask(database: Database, orm: Orm) -> None:
    user = database.value("INSERT INTO users (email, hashed_password) VALUES ('c@example.com', '-') RETURNING id")
    with ThreadPoolExecutor(8) as threads:
        made = set(threads.map(lambda _: assistants.default(orm, user), range(8)))
    assert [assistant.id for assistant in assistants.all(database)] == list(made)
    assert assistants.all(database)[0].prompt


def test_a_default_assistant_needs_a_user(orm: Orm, database: Database) -> None:
    with pytest.raises(NotFound, match="no user 404"):
        assistants.default(orm, 404)
