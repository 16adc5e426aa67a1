from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from chatai_core.accounts import users
from chatai_core.adapters.crypto import Cipher
from chatai_core.adapters.orm import Orm
from chatai_core.adapters.postgres import Database
from chatai_core.bots import instances, to_run
from chatai_core.bots.instances import Bot
from chatai_core.errors import BadData, Duplicate, NotFound, NotPermitted
from chatai_core.settings import Database as DatabaseSettings
from tests.servers.bots import token


@pytest.fixture
def orm(database_url: str) -> Iterator[Orm]:
    orm = Orm(database_url, DatabaseSettings())
    yield orm
    orm.close()


@pytest.fixture
def cipher() -> Cipher:
    return Cipher("a key for tests")


@pytest.fixture
def owner(orm: Orm) -> int:
    return users.add(orm, "ann@example.com", "a long passw0rd for tests").id


def add(orm: Orm, cipher: Cipher, owner: int, number: int = 1001, **more: Any) -> Bot:
    return instances.add(orm, cipher, owner_id=owner, token=token(number), **more)


def test_a_bot_gets_an_assistant_and_its_token_is_sealed(
    orm: Orm, database: Database, cipher: Cipher, owner: int
) -> None:
    bot = add(orm, cipher, owner, name=" Shop ")

    assert (bot.name, bot.assistant, bot.owner, bot.desired) == ("Shop", "Shop", "ann@example.com", "running")
    assert bot == instances.show(database, f"bot{bot.id}") == instances.show(database, bot.id)
    assert bot.token == "1001:…1001"
    stored = database.value("SELECT bot_instances::text FROM bot_instances")
    assert token(1001) not in stored
    assert to_run.read(database, cipher, bot.id).token.reveal() == token(1001)


def test_a_sealed_token_opens_in_its_own_row_only(orm: Orm, database: Database, cipher: Cipher, owner: int) -> None:
    one, other = add(orm, cipher, owner, 1001), add(orm, cipher, owner, 1002)
    with orm.session() as session:
        stolen = text("UPDATE bot_instances SET bot_token = (SELECT bot_token FROM bot_instances WHERE id = :one)")
        session.execute(stolen, {"one": one.id})

    with pytest.raises(BadData):
        to_run.read(database, cipher, other.id)
    with pytest.raises(BadData, match="another key"):
        to_run.read(database, Cipher("a new key"), one.id)


def test_the_same_token_is_refused_also_on_update(orm: Orm, database: Database, cipher: Cipher, owner: int) -> None:
    add(orm, cipher, owner, 1001)
    other = add(orm, cipher, owner, 1002)

    with pytest.raises(Duplicate):
        add(orm, cipher, owner, 1001)
    with pytest.raises(Duplicate):
        instances.update(orm, cipher, other.id, token=token(1001))
    assert len(instances.all(database)) == 2


@pytest.mark.parametrize("wrong", ["", "123", "123:short", f"x{token(1001)}", f"{token(1001)} ", f"{token(1001)}x"])
def test_what_is_no_token_is_refused_and_not_repeated(wrong: str) -> None:
    with pytest.raises(BadData) as refused:
        instances.telegram_id(wrong)
    assert not wrong or wrong not in str(refused.value)


def test_an_owner_sees_only_their_own(orm: Orm, database: Database, cipher: Cipher, owner: int) -> None:
    other = users.add(orm, "bob@example.com", "a long passw0rd for tests").id
    mine, theirs = add(orm, cipher, owner, 1001), add(orm, cipher, other, 1002)

    assert instances.all(database, owner=owner) == [mine]
    assert instances.all(database) == [mine, theirs]
    with pytest.raises(NotFound, match="no assistant"):
        instances.update(orm, cipher, mine.id, assistant_id=theirs.assistant_id)


def test_bots_of_a_blocked_owner_are_stopped_and_refused(
    orm: Orm, database: Database, cipher: Cipher, owner: int
) -> None:
    bot = add(orm, cipher, owner)
    users.block(orm, "ann@example.com")

    assert instances.show(database, bot.id).desired == "stopped"
    for refused in (lambda: add(orm, cipher, owner, 1002), lambda: instances.set_active(orm, bot.id, True)):
        with pytest.raises(NotPermitted, match="blocked"):
            refused()
    assert not instances.set_active(orm, bot.id, False).is_active


def test_setting_what_is_set_already_changes_nothing(orm: Orm, cipher: Cipher, owner: int) -> None:
    bot = add(orm, cipher, owner)
    same = instances.set_active(orm, bot.id, True)
    stopped = instances.set_active(orm, bot.id, False)
    assert (same.updated_at, stopped.updated_at > bot.updated_at) == (bot.updated_at, True)


def test_what_is_not_given_stays(orm: Orm, cipher: Cipher, owner: int) -> None:
    bot = add(orm, cipher, owner, name="Shop", telegram_username="shop_bot")

    renamed = instances.update(orm, cipher, bot.id, name="Store")
    assert (renamed.name, renamed.token, renamed.telegram_username) == ("Store", bot.token, "shop_bot")
    assert instances.update(orm, cipher, bot.id, name="").name is None
    assert instances.update(orm, cipher, bot.id, token=token(1002)).token == "1002:…1002"


def test_a_removed_bot_is_gone(orm: Orm, database: Database, cipher: Cipher, owner: int) -> None:
    bot = add(orm, cipher, owner)
    assert instances.remove(orm, f"bot{bot.id}").id == bot.id
    for ask in (lambda: instances.show(database, bot.id), lambda: instances.remove(orm, bot.id)):
        with pytest.raises(NotFound):
            ask()


@pytest.mark.parametrize("id", ["", "bot", "x", "-1", "1.5", "99999999999999", "bot١"])
def test_what_can_be_no_id_is_not_found(id: str) -> None:
    with pytest.raises(NotFound):
        instances.number(id)


def test_only_telegram_is_known(orm: Orm, cipher: Cipher, owner: int) -> None:
    with pytest.raises(BadData, match="telegram"):
        add(orm, cipher, owner, platform="icq")
