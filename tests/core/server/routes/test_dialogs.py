"""Dialogs over HTTP: the contract's paging, filters and shape, in two queries."""

from dataclasses import dataclass

import pytest
from sqlalchemy import event

from chatai_core.adapters.postgres import Database
from tests.core.chat.owners import Owner
from tests.servers.backend import Backend, Person

ITEM = {
    "id", "user_id", "assistant_id", "started_at", "ended_at", "last_message_at", "last_message_text",
    "auto_response", "first_response_time", "fallback", "is_taken_over", "telegram_chat_id",
    "telegram_username", "first_name", "last_name", "guest_id", "handoff_status", "handoff_requested_at",
    "handoff_started_at", "handoff_resolved_at", "handoff_reason", "assigned_manager_id", "request_id",
    "channel_type", "name", "email", "topic", "comment", "sentiment",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Talk:
    """A dialog of a person's, with two messages."""

    id: int
    owner: Owner


def talk(backend: Backend, person: Person, *, chat: str = "1001", name: str = "Zoe") -> Talk:
    """Make a dialog with a bot of this person's."""
    database: Database = backend.chatai.database
    assistant = database.value(
        "INSERT INTO assistants (user_id, name) VALUES (%(user)s, 'Ann') RETURNING id", user=person.user.id
    )
    bot = database.value(
        "INSERT INTO bot_instances (user_id, assistant_id) VALUES (%(user)s, %(assistant)s) RETURNING id",
        user=person.user.id,
        assistant=assistant,
    )
    id = database.value(
        "INSERT INTO dialogs (user_id, assistant_id, bot_id, telegram_chat_id, first_name)"
        " VALUES (%(user)s, %(assistant)s, %(bot)s, %(chat)s, %(name)s) RETURNING id",
        user=person.user.id,
        assistant=assistant,
        bot=bot,
        chat=chat,
        name=name,
    )
    for sender, text in (("user", "Hello!"), ("assistant", "How may I help?")):
        database.execute(
            "INSERT INTO dialog_messages (dialog_id, sender, text, timestamp)"
            " VALUES (%(id)s, %(sender)s, %(text)s, clock_timestamp())",
            id=id,
            sender=sender,
            text=text,
        )
    return Talk(id, Owner(person.user.id, assistant, bot))


def test_dialogs_have_the_contracts_shape(backend: Backend, ann: Person) -> None:
    made = talk(backend, ann)

    page = backend.get("/api/dialogs", ann).json()

    assert set(page) == {"items", "total", "page", "pages", "limit"}
    assert (page["total"], page["page"], page["pages"], page["limit"]) == (1, 1, 1, 50)
    [item] = page["items"]
    assert set(item) >= ITEM
    assert (item["id"], item["channel_type"], item["name"]) == (made.id, "telegram", "Zoe")
    assert item["last_message_text"] == "How may I help?"
    assert item["started_at"].endswith("Z")
    assert backend.get(f"/api/dialogs/{made.id}", ann).json() == item


def test_messages_are_told_in_their_order(backend: Backend, ann: Person) -> None:
    made = talk(backend, ann)

    first, second = backend.get(f"/api/dialogs/{made.id}/messages", ann).json()

    assert set(first) == {"id", "sender", "text", "timestamp"}
    assert (first["sender"], first["text"], second["sender"]) == ("user", "Hello!", "assistant")


def test_pages_are_counted(backend: Backend, ann: Person) -> None:
    made = [talk(backend, ann, chat=str(number)).id for number in range(5)]

    pages = [backend.get(f"/api/dialogs?limit=2&page={number}", ann).json() for number in (1, 2, 3, 4)]

    assert [[item["id"] for item in page["items"]] for page in pages] == [
        [made[4], made[3]], [made[2], made[1]], [made[0]], [],
    ]  # fmt: skip
    assert {(page["total"], page["pages"]) for page in pages} == {(5, 3)}


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "page=0", "page=x", "status=odd", "channel=fax", "time_filter=year"]
)
def test_a_query_outside_of_the_contract_is_refused(query: str, backend: Backend, ann: Person) -> None:
    assert backend.get(f"/api/dialogs?{query}", ann).status_code == 422


def test_filters_narrow_the_list(backend: Backend, ann: Person) -> None:
    zoe, max_ = talk(backend, ann, chat="1", name="Zoe"), talk(backend, ann, chat="2", name="Max")
    backend.chatai.database.execute("UPDATE dialogs SET is_taken_over = 1 WHERE id = %(id)s", id=max_.id)

    def found(query: str) -> list[int]:
        return [item["id"] for item in backend.get(f"/api/dialogs?{query}", ann).json()["items"]]

    assert found("search=zOE") == [zoe.id]
    assert found("search=how+may") == [max_.id, zoe.id]
    assert found("status=taken_over") == [max_.id]
    assert found("status=active") == [zoe.id]
    assert found("channel=website") == []
    assert found("time_filter=today&channel=telegram") == [max_.id, zoe.id]
    assert found(f"assistant_id={zoe.owner.assistant_id}") == [zoe.id]


def test_an_administrator_sees_everybodys(backend: Backend, ann: Person, bob: Person, admin: Person) -> None:
    hers, his = talk(backend, ann).id, talk(backend, bob).id

    everybody = {item["id"] for item in backend.get("/api/dialogs?all=true&limit=100", admin).json()["items"]}
    of_bob = [item["id"] for item in backend.get(f"/api/dialogs?user_id={bob.user.id}", admin).json()["items"]]

    assert {hers, his} <= everybody
    assert of_bob == [his]
    assert backend.get("/api/dialogs", admin).json()["total"] == 0
    assert backend.get(f"/api/dialogs/{hers}/messages", admin).status_code == 200


def test_others_may_ask_for_their_own_only(backend: Backend, ann: Person, bob: Person) -> None:
    assert backend.get(f"/api/dialogs?user_id={ann.user.id}", ann).status_code == 200
    for query in ("all=true", f"user_id={bob.user.id}"):
        assert backend.get(f"/api/dialogs?{query}", ann).status_code == 403


def test_a_page_costs_one_query_however_many_dialogs_it_has(backend: Backend, ann: Person) -> None:
    for number in range(10):
        talk(backend, ann, chat=str(number))

    one, ten = (_questions(backend, f"/api/dialogs?limit={limit}", ann) for limit in (1, 10))

    assert one == ten == 2  # the other one reads the caller


def _questions(backend: Backend, path: str, person: Person) -> int:
    """How often a request takes a connection of the pool: once for each question."""
    taken: list[object] = []

    def note(*connection: object) -> None:
        taken.append(connection)

    engine = backend.chatai.orm.engine
    event.listen(engine, "checkout", note)
    try:
        assert backend.get(path, person).status_code == 200
    finally:
        event.remove(engine, "checkout", note)
    return len(taken)


def test_there_is_no_dialog_that_is_not_there(backend: Backend, ann: Person) -> None:
    for path in ("/api/dialogs/2147483647", "/api/dialogs/2147483647/messages"):
        response = backend.get(path, ann)
        assert (response.status_code, response.json()) == (404, {"detail": "Dialog not found"})
