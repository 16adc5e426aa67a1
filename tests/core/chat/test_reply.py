"""A reply: what the model is told, failover from key to key, and that every attempt is settled."""

import asyncio
import functools
import json
import logging
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

import pytest

from chatai_core import simulators
from chatai_core.adapters.completions import Blame, Completions, Failed
from chatai_core.adapters.crypto import Cipher
from chatai_core.adapters.orm import Orm
from chatai_core.adapters.postgres import Database
from chatai_core.chat import dialogs, reply
from chatai_core.chat.dialogs import Person, Said
from chatai_core.chat.reply import Asked, Means, Reply
from chatai_core.errors import Busy, ChataiError, NotFound
from chatai_core.settings import Secret
from chatai_core.simulators.handles import OpenAIHandle
from chatai_core.tokens import keys
from chatai_core.tokens.keys import Key
from chatai_core.tokens.pool import Blocked, NoKey
from tests.core.chat.owners import Owner

Result = TypeVar("Result")
Add = Callable[..., Key]


@pytest.fixture(scope="module")
def openai() -> Iterator[OpenAIHandle]:
    """OpenAI, which knows the keys that are added."""
    with simulators.running(telegram=False) as pair:
        yield pair.openai


@pytest.fixture(autouse=True)
def _no_faults(openai: OpenAIHandle) -> Iterator[None]:
    yield
    openai.clear_faults()


@pytest.fixture
def add(openai: OpenAIHandle, orm: Orm, cipher: Cipher) -> Add:
    """Add a key by its name, to the pool and to OpenAI; the earlier it is added, the earlier it is picked."""
    added: list[str] = []

    def add_key(name: str, **properties: Any) -> Key:
        added.append(name)
        openai.add_key(token(name))
        return keys.add(orm, cipher, name, token(name), **{"priority": len(added), **properties})

    return add_key


def token(name: str) -> str:
    return f"sk-{name}-0123456789abcdef"


class Talk:
    """Makes replies in a loop of its own."""

    def __init__(self, database: Database, cipher: Cipher, openai: OpenAIHandle, owner: Owner) -> None:
        self.database = database
        self.openai = openai
        self.owner = owner
        self._cipher = cipher

    def run(self, work: Callable[[Means], Awaitable[Result]], *, timeout: float = 5, **means: Any) -> Result:
        """Do something with the means of a process."""

        async def with_means() -> Result:
            client = Completions(self.openai.url, timeout=timeout)
            try:
                return await work(Means(self.database, self._cipher, client, **means))
            finally:
                await client.close()

        return asyncio.run(with_means())

    def ask(self, text: str = "What is ice?", *, timeout: float = 5, means: Any = None, **asked: Any) -> Reply:
        """One reply."""
        question = Asked(text, self.owner.assistant_id, **asked)
        return self.run(lambda ready: reply.reply(ready, question), timeout=timeout, **(means or {}))

    @property
    def ledger(self) -> list[tuple[int, str | None, bool]]:
        """Attempt, key and success of every line."""
        return self.database.rows(
            lambda **row: (row["attempt"], row["name"], row["success"]),
            "SELECT attempt, name, success FROM ai_token_usage LEFT JOIN ai_token_pool AS key ON key.id = token_id"
            " ORDER BY ai_token_usage.id",
        )

    def calls_to(self, name: str) -> int:
        """How often OpenAI saw this key."""
        return sum(call["key"] == token(name) for call in self.openai.calls)


@pytest.fixture
def talk(database: Database, cipher: Cipher, openai: OpenAIHandle, owner: Owner) -> Talk:
    """Somebody who asks an assistant."""
    return Talk(database, cipher, openai, owner)


def test_the_assistant_answers_with_its_prompt_and_model(talk: Talk, add: Add) -> None:
    add("main")
    answer = talk.ask(request_id="r-1")
    assert answer.text == "You said: What is ice?\nMy instructions: Be kind."
    assert (answer.model, answer.key, answer.attempts, answer.request_id) == ("gpt-4o-mini", "main", 1, "r-1")
    line = talk.database.one(dict[str, Any], "SELECT * FROM ai_token_usage")
    assert line is not None
    assert (line["request_id"], line["user_id"], line["assistant_id"]) == (
        "r-1",
        talk.owner.user_id,
        talk.owner.assistant_id,
    )
    assert (line["prompt_tokens"], line["completion_tokens"]) == (answer.prompt_tokens, answer.completion_tokens)
    assert 0 < line["response_time"] < 5


def test_the_model_is_told_what_was_said_before(talk: Talk, add: Add) -> None:
    add("main")
    alone = talk.ask("And the second?").prompt_tokens
    dialog = dialogs.opened(talk.database, talk.owner.bot_id, "500", Person()).id
    dialogs.append(talk.database, dialog, Said("user", "Name two rivers"), Said("assistant", "Ob and Lena"))
    together = talk.ask("And the second?", dialog_id=dialog).prompt_tokens
    assert together == alone + (4 + 3) + (4 + 3)  # the simulator counts words, and four more for each message


def test_a_question_that_stands_in_the_dialog_already_is_told_once(talk: Talk, add: Add) -> None:
    add("main")
    dialog = dialogs.opened(talk.database, talk.owner.bot_id, "500", Person()).id
    (number,) = dialogs.append(talk.database, dialog, Said("user", "What is ice?"))
    answer = talk.ask(dialog_id=dialog, before=number)
    assert answer.prompt_tokens == talk.ask().prompt_tokens


def test_a_text_that_no_json_can_hold_is_answered(talk: Talk, add: Add) -> None:
    add("main")
    assert talk.ask("half \ud83d of it").text.startswith("You said: half ? of it")


def test_the_memory_ends_somewhere(talk: Talk) -> None:
    dialog = dialogs.opened(talk.database, talk.owner.bot_id, "500", Person()).id
    dialogs.append(talk.database, dialog, *[Said("user", f"message {n}") for n in range(50)])
    told = reply.remembered(talk.database, dialog)
    assert [message.content for message in told] == [f"message {n}" for n in range(30, 50)]
    dialogs.append(talk.database, dialog, Said("manager", "x" * 7000), Said("user", "y" * 2000))
    assert [(m.role, m.content[0]) for m in reply.remembered(talk.database, dialog)] == [("user", "y")]


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"kind": "invalid_api_key"}, "quarantined"),
    ({"kind": "insufficient_quota"}, "quarantined"),
    ({"kind": "rate_limit", "seconds": 30}, "cooling"),
    ({"kind": "forbidden"}, "ready"),
    ({"kind": "error", "status": 500}, "ready"),
    ({"kind": "broken_json"}, "ready"),
    ({"kind": "hang", "seconds": 30}, "ready"),
]


@pytest.mark.parametrize(("fault", "state"), FAULTS, ids=lambda value: value["kind"] if isinstance(value, dict) else "")
def test_another_key_answers_when_one_fails(talk: Talk, add: Add, fault: dict[str, Any], state: str) -> None:
    first = add("first")
    add("second")
    talk.openai.fault(**fault, key=token("first"), times=-1)
    answer = talk.ask(timeout=0.5)
    assert (answer.key, answer.attempts) == ("second", 2)
    assert talk.ledger == [(1, "first", False), (2, "second", True)]
    assert keys.show(talk.database, first.id).state == state


def test_a_request_that_is_wrong_is_sent_once(talk: Talk, add: Add) -> None:
    first, _second = add("first"), add("second")
    talk.openai.fault(kind="bad_request", times=-1)
    with pytest.raises(Failed, match="refuses the request"):
        talk.ask()
    assert talk.ledger == [(1, "first", False)]
    assert keys.show(talk.database, first.id).error_count == 0


def test_every_key_is_tried_and_then_the_environment_s(talk: Talk, add: Add) -> None:
    for name in ("one", "two", "three"):
        add(name)
        talk.openai.fault(kind="invalid_api_key", key=token(name))
    talk.openai.add_key(token("env"))
    answer = talk.ask(means={"env": Secret(token("env"))})
    assert (answer.key, answer.attempts) == ("env", 4)
    assert talk.ledger == [(1, "one", False), (2, "two", False), (3, "three", False), (4, None, True)]


def test_the_last_failure_is_told_when_no_key_is_left(talk: Talk, add: Add) -> None:
    for name in ("one", "two"):
        add(name)
        talk.openai.fault(kind="invalid_api_key", key=token(name))
    with pytest.raises(Failed, match="refuses the key"):
        talk.ask()
    with pytest.raises(NoKey) as caught:
        talk.ask()
    assert [blocked.name for blocked in caught.value.blocked] == ["one", "two"]


def test_the_only_key_is_tried_again_when_the_provider_stumbles(talk: Talk, add: Add) -> None:
    add("only")
    talk.openai.fault(kind="error", status=503)
    assert talk.ask().attempts == 2
    talk.openai.fault(kind="error", status=503, times=-1)
    with pytest.raises(Failed, match="has failed"):
        talk.ask()
    assert len(talk.ledger) == 4


def test_a_reply_ends_at_its_deadline(talk: Talk, add: Add) -> None:
    for name in ("one", "two", "three"):
        add(name)
    talk.openai.fault(kind="hang", seconds=30, times=-1)
    with pytest.raises(Failed, match="did not answer in time"):
        talk.ask(timeout=0.4, means={"deadline": 0.6})
    assert talk.ledger == [(1, "one", False), (2, "two", False)]


def test_an_exhausted_pool_calls_nobody(talk: Talk, add: Add) -> None:
    add("main", daily_limit=1)
    talk.ask()
    before = talk.calls_to("main")
    with pytest.raises(NoKey, match="its limit is used up"):
        talk.ask()
    assert talk.calls_to("main") == before


def test_a_model_without_words_is_no_reply_but_is_paid(talk: Talk, add: Add) -> None:
    with speechless() as url:
        add("main", base_url=url)
        with pytest.raises(Failed, match="gave no text"):
            talk.ask()
    assert talk.ledger == [(1, "main", True)]


@contextmanager
def speechless() -> Iterator[str]:
    """A provider whose model answers with nothing at all."""

    class Speechless(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.dumps({"model": "m", "choices": [{"message": {"content": None}}]}).encode()
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Speechless) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join()


def test_an_unknown_assistant_is_not_found(talk: Talk, add: Add) -> None:
    add("main")
    with pytest.raises(NotFound, match="no assistant 404"):
        talk.run(lambda means: reply.reply(means, Asked("Hi", 404)))
    assert talk.ledger == []


def test_a_cancelled_reply_is_settled(talk: Talk, add: Add) -> None:
    key = add("main")
    talk.openai.fault(kind="hang", seconds=30)

    async def give_up(means: Means) -> None:
        task = asyncio.create_task(reply.reply(means, Asked("Hi", talk.owner.assistant_id)))
        while not talk.openai.counters["in_flight"]:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    talk.run(give_up)
    assert talk.ledger == [(1, "main", False)]
    after = keys.show(talk.database, key.id)
    assert (after.daily_usage, after.error_count, after.state) == (1, 0, "ready")


def test_no_reservation_is_lost_whenever_replies_are_cancelled(talk: Talk, add: Add) -> None:
    """Also when the whole loop ends, as at Ctrl-C: as many lines in the ledger as requests counted."""
    key = add("main")

    async def give_up(means: Means, after: float) -> None:
        for _ in range(10):
            asyncio.create_task(reply.reply(means, Asked("Hi", talk.owner.assistant_id)))  # noqa: RUF006
        await asyncio.sleep(after)  # the loop ends here and cancels them all

    for milliseconds in range(0, 60, 4):
        talk.run(functools.partial(give_up, after=milliseconds / 1000))
        assert keys.show(talk.database, key.id).daily_usage == len(talk.ledger), milliseconds
    assert talk.ledger


def test_a_ledger_that_cannot_be_written_does_not_cost_the_reply(
    talk: Talk, add: Add, caplog: pytest.LogCaptureFixture
) -> None:
    add("main")
    talk.database.execute("ALTER TABLE ai_token_usage RENAME TO elsewhere")
    try:
        with caplog.at_level(logging.ERROR):
            assert talk.ask(request_id="r-7").text.startswith("You said")
    finally:
        talk.database.execute("ALTER TABLE elsewhere RENAME TO ai_token_usage")
    assert "The ledger misses attempt 1 of request r-7" in caplog.text


def test_no_key_stands_in_the_log_or_in_an_error(talk: Talk, add: Add, caplog: pytest.LogCaptureFixture) -> None:
    add("main")
    talk.openai.fault(kind="invalid_api_key")
    with caplog.at_level(logging.DEBUG), pytest.raises(Failed) as caught:
        talk.ask()
    stored = talk.database.value("SELECT string_agg(error_message, '') FROM ai_token_usage")
    reason = keys.all(talk.database)[0].reason
    for text in (caplog.text, str(caught.value), repr(caught.value), stored, reason):
        assert "0123456789abcdef" not in text
        assert "cdef" not in text


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (NoKey("m", []), "I cannot answer at the moment. Please try again later."),
        (
            NoKey("m", [Blocked("k", "resting", datetime.now(UTC) + timedelta(seconds=20))]),
            "I am too busy at the moment. Please ask again in a minute.",
        ),
        (Failed(Blame.REQUEST, "Too long."), "I cannot answer this. Please ask in other words."),
        (Failed(Blame.PROVIDER, "Down."), "I cannot answer at the moment. Please try again later."),
        (Busy("No connection."), "I cannot answer at the moment. Please try again later."),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, ChataiError) else "",
)
def test_a_person_is_told_nothing_of_our_insides(error: ChataiError, sentence: str) -> None:
    assert reply.apology(error) == sentence
