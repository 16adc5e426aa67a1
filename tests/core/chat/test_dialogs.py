"""The dialogs: one for each chat of a bot, what was said in them, and the pages of their list."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chatai_core.adapters.postgres import Database
from chatai_core.chat import dialogs
from chatai_core.chat.dialogs import Person, Said
from chatai_core.errors import Misused, NotFound
from tests.core.chat.owners import Owner, make_owner

ANN = Person("ann", "Ann", "Lee")


def dialog(database: Database, owner: Owner, chat: str = "500", **columns: Any) -> int:
    """A dialog with these columns set."""
    id = dialogs.opened(database, owner.bot_id, chat, Person()).id
    for name, value in columns.items():
        database.execute(f"UPDATE dialogs SET {name} = %(value)s WHERE id = %(id)s", value=value, id=id)
    return id


def test_a_chat_keeps_its_dialog(database: Database, owner: Owner) -> None:
    first = dialogs.opened(database, owner.bot_id, "500", ANN)
    assert (first.user_id, first.assistant_id) == (owner.user_id, owner.assistant_id)
    assert (first.is_taken_over, first.handoff_status, first.is_led_by_a_person) == (0, "none", False)
    assert dialogs.opened(database, owner.bot_id, "500", ANN) == first
    assert dialogs.opened(database, owner.bot_id, "501", ANN).id != first.id


def test_a_chat_has_one_dialog_however_many_workers_ask(database: Database, owner: Owner) -> None:
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(lambda _: dialogs.opened(database, owner.bot_id, "500", ANN).id, range(24)))
    assert len(found) == 1
    assert database.value("SELECT count(*) FROM dialogs") == 1


def test_an_ended_dialog_is_followed_by_a_new_one(database: Database, owner: Owner) -> None:
    first = dialogs.opened(database, owner.bot_id, "500", ANN)
    database.execute("UPDATE dialogs SET ended_at = now()")
    assert dialogs.opened(database, owner.bot_id, "500", ANN).id != first.id


def test_a_dialog_follows_the_person_s_name_and_the_bot_s_assistant(database: Database, owner: Owner) -> None:
    first = dialogs.opened(database, owner.bot_id, "500", ANN)
    other = database.value("INSERT INTO assistants (user_id) VALUES (%(user)s) RETURNING id", user=owner.user_id)
    database.execute("UPDATE bot_instances SET assistant_id = %(other)s", other=other)
    again = dialogs.opened(database, owner.bot_id, "500", Person("ann", "Анна", None))
    assert (again.id, again.assistant_id) == (first.id, other)
    shown = dialogs.show(database, first.id)
    assert (shown.first_name, shown.last_name, shown.name) == ("Анна", None, "Анна")


def test_an_unknown_bot_has_no_dialogs(database: Database, owner: Owner) -> None:
    with pytest.raises(NotFound, match="no bot 404"):
        dialogs.opened(database, 404, "500", ANN)


@pytest.mark.parametrize(
    ("columns", "led"),
    [({"handoff_status": "requested"}, True), ({"handoff_status": "released"}, False), ({"is_taken_over": 1}, True)],
    ids=str,
)
def test_the_assistant_is_silent_where_a_person_leads(
    database: Database, owner: Owner, columns: dict[str, Any], led: bool
) -> None:
    dialog(database, owner, **columns)
    assert dialogs.opened(database, owner.bot_id, "500", Person()).is_led_by_a_person is led


def test_messages_are_added_in_their_order(database: Database, owner: Owner) -> None:
    id = dialog(database, owner)
    numbers = dialogs.append(database, id, Said("user", "Hi"), Said("assistant", "Hello"), Said("manager", "Me too"))
    assert numbers == sorted(numbers)
    said = dialogs.messages(database, id, owner=owner.user_id)
    assert [(message.sender, message.text) for message in said] == [
        ("user", "Hi"),
        ("assistant", "Hello"),
        ("manager", "Me too"),
    ]
    kinds = database.rows(lambda kind: kind, "SELECT message_kind AS kind FROM dialog_messages ORDER BY id")
    assert kinds == ["user", "assistant", "operator"]


def test_the_first_answer_s_delay_is_noted_once(database: Database, owner: Owner) -> None:
    id = dialog(database, owner)
    dialogs.append(database, id, Said("user", "Hi"))
    assert dialogs.show(database, id).first_response_time is None
    dialogs.append(database, id, Said("assistant", "Hello"))
    first = dialogs.show(database, id)
    assert first.first_response_time is not None
    assert first.first_response_time > 0
    dialogs.append(database, id, Said("assistant", "Still here"))
    again = dialogs.show(database, id)
    assert (again.first_response_time, again.auto_response) == (first.first_response_time, 2)


def test_text_that_postgresql_cannot_keep_is_mended(database: Database, owner: Owner) -> None:
    id = dialogs.opened(database, owner.bot_id, "500", Person(first_name="A\0nn")).id
    dialogs.append(database, id, Said("user", "a\0b \ud83d c 🙂"))
    assert [message.text for message in dialogs.messages(database, id)] == ["ab ? c 🙂"]
    assert dialogs.page(database, None, search="\0").total == 1


def test_nothing_is_added_to_a_dialog_that_is_not_there(database: Database) -> None:
    with pytest.raises(NotFound, match="no dialog 404"):
        dialogs.append(database, 404, Said("user", "Hi"))


def test_another_owner_s_dialog_is_not_there(database: Database, owner: Owner) -> None:
    id = dialog(database, owner)
    stranger = make_owner(database, "bob@example.com").user_id
    for ask in (dialogs.show, dialogs.messages):
        ask(database, id, owner=owner.user_id)
        with pytest.raises(NotFound):
            ask(database, id, owner=stranger)
    assert dialogs.page(database, stranger).items == []


def test_a_page_shows_the_newest_first_with_the_last_message(database: Database, owner: Owner) -> None:
    first, second = dialog(database, owner, "500"), dialog(database, owner, "501", first_name="Bo", last_name="100")
    dialogs.append(database, first, Said("user", "one"), Said("assistant", "two"))
    page = dialogs.page(database, owner.user_id)
    assert (page.total, page.page, page.pages, page.limit) == (2, 1, 1, 50)
    assert [item.id for item in page.items] == [second, first]
    newer, older = page.items
    assert (newer.last_message_text, newer.last_message_at) == (None, None)
    assert (older.last_message_text, older.channel_type) == ("two", "telegram")
    assert older.last_message_at is not None
    assert (newer.name, older.name) == ("Bo 100", "500")


def test_pages_cover_everything_once(database: Database, owner: Owner) -> None:
    ids = [dialog(database, owner, str(chat)) for chat in range(7)]
    pages = [dialogs.page(database, owner.user_id, page=number, limit=3) for number in (1, 2, 3, 4)]
    assert [item.id for page in pages for item in page.items] == ids[::-1]
    assert {(page.total, page.pages) for page in pages} == {(7, 3)}
    assert dialogs.page(database, owner.user_id, page=9, limit=3, assistant_id=404).total == 0


def test_a_page_takes_two_queries_at_most(database: Database, owner: Owner) -> None:
    for chat in range(5):
        dialogs.append(database, dialog(database, owner, str(chat)), Said("user", "Hi"))
    counting = Counting(database)
    dialogs.page(counting, owner.user_id)
    assert counting.queries == 1
    dialogs.page(counting, owner.user_id, page=2)
    assert counting.queries == 3


class Counting(Database):
    """The same database, which counts what it is asked."""

    def __init__(self, database: Database) -> None:
        super().__init__(database.url)
        self.queries = 0

    def rows(self, row: Callable[..., Any], sql: str, /, **parameters: Any) -> list[Any]:
        self.queries += 1
        try:
            return super().rows(row, sql, **parameters)
        finally:
            self.close()


FILTERS: list[tuple[dict[str, Any], set[str]]] = [
    ({}, {"plain", "taken", "asked", "led", "old", "ended", "web"}),
    ({"status": "active"}, {"plain", "old", "web"}),
    ({"status": "taken_over"}, {"taken"}),
    ({"status": "handoff_requested"}, {"asked"}),
    ({"status": "handoff_active"}, {"led"}),
    ({"channel": "telegram"}, {"plain", "taken", "asked", "led", "old", "ended"}),
    ({"channel": "website"}, {"web"}),
    ({"time_filter": "today"}, {"plain", "taken", "asked", "led", "ended", "web"}),
    ({"time_filter": "week"}, {"plain", "taken", "asked", "led", "ended", "web"}),
    ({"time_filter": "month"}, {"plain", "taken", "asked", "led", "ended", "web", "old"}),
    ({"search": "TAKEN"}, {"taken"}),
    ({"search": "привет"}, {"plain"}),
    ({"search": "100%"}, {"web"}),
    ({"search": "%"}, {"web"}),
    ({"search": "no such thing"}, set()),
    ({"status": "active", "channel": "website", "search": "guest"}, {"web"}),
]


def test_filters_find_what_they_say(database: Database, owner: Owner) -> None:
    plain = dialog(database, owner, "1", first_name="plain")
    dialogs.append(database, plain, Said("user", "Привет всем"))
    dialog(database, owner, "2", first_name="taken", is_taken_over=1)
    dialog(database, owner, "3", first_name="asked", handoff_status="requested")
    dialog(database, owner, "4", first_name="led", handoff_status="active")
    old = dialog(database, owner, "5", first_name="old")
    database.execute("UPDATE dialogs SET started_at = now() - interval '20 days' WHERE id = %(id)s", id=old)
    ended = dialog(database, owner, "6", first_name="ended")
    database.execute("UPDATE dialogs SET ended_at = now() WHERE id = %(id)s", id=ended)
    web = dialog(database, owner, "7", first_name="web", telegram_chat_id=None, guest_id="guest-1")
    dialogs.append(database, web, Said("user", "100% sure"))
    for filters, names in FILTERS:
        found = dialogs.page(database, owner.user_id, **filters)
        assert {item.first_name for item in found.items} == names, filters
        assert found.total == len(names), filters


@pytest.mark.parametrize(
    "asked",
    [{"page": 0}, {"limit": 0}, {"limit": 101}, {"status": "open"}, {"channel": "mail"}, {"time_filter": "year"}],
    ids=str,
)
def test_what_cannot_be_asked_is_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(Misused):
        dialogs.page(Database("postgresql://127.0.0.1:1/none"), 1, **asked)
