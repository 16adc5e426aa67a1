"""One bot in this process, against the simulator of Telegram; the model is a function of the test."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import pytest
import telegram

from chatai_core import simulators
from chatai_core.adapters import telegram as bot_api
from chatai_core.adapters.web import serving
from chatai_core.bots.conversation import Answer
from chatai_core.bots.hosted import Hosted, House
from chatai_core.bots.instances import no_bot
from chatai_core.bots.to_run import Runnable
from chatai_core.bots.wire import Observed
from chatai_core.errors import Unavailable
from chatai_core.settings import Secret
from chatai_core.simulators.handles import TelegramHandle
from tests.servers.bots import token

TOKEN = token(1001)
Result = TypeVar("Result")


@pytest.fixture(autouse=True)
def _timedelta(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the manager sets it for its workers: without it the library warns of every 429."""
    monkeypatch.setenv("PTB_TIMEDELTA", "true")


@pytest.fixture
def people() -> Iterator[TelegramHandle]:
    with simulators.running(openai=False) as pair:
        pair.telegram.add_bot(TOKEN, username="tests_bot")
        yield pair.telegram


class Stage:
    """The bot, what was observed of it, and a pause that does not block its loop."""

    def __init__(self, hosted: Hosted, seen: list[Observed]) -> None:
        self.hosted = hosted
        self.seen = seen

    @property
    def states(self) -> list[str]:
        return [observed.state for observed in self.seen]

    async def until(self, happened: Callable[[], object], seconds: float = 10) -> None:
        async with asyncio.timeout(seconds):
            while not happened():
                await asyncio.sleep(0.01)


async def echo(bot: Runnable, message: telegram.Message) -> str:
    return f"{bot.assistant}: {message.text}"


async def row(id: int) -> Runnable:
    return Runnable(id, 1, "Ann", 1, Secret(TOKEN))


def play(
    people: TelegramHandle,
    act: Callable[[Stage], Awaitable[Result]],
    answer: Answer = echo,
    read: Callable[[int], Awaitable[Runnable]] = row,
) -> Result:
    async def run() -> Result:
        seen: list[Observed] = []
        async with bot_api.session(people.url) as session:
            hosted = Hosted(7, House(people.url, session, read, answer), seen.append)
            try:
                return await act(Stage(hosted, seen))
            finally:
                await hosted.stop(5)

    return asyncio.run(run())


async def sent(people: TelegramHandle, chat: int, count: int = 1) -> list[str]:
    return [message["text"] for message in await asyncio.to_thread(people.sent, TOKEN, chat, count)]


def test_start_is_greeted_with_the_assistants_name(people: TelegramHandle) -> None:
    people.say(TOKEN, 5, "/start")
    assert play(people, lambda _stage: sent(people, 5)) == ["Hello! I am Ann. How can I help you?"]


@pytest.mark.parametrize(
    "content",
    [
        {"voice": {"file_id": "v", "file_unique_id": "u", "duration": 3}},
        {"document": {"file_id": "d", "file_unique_id": "u"}},
        {"photo": [{"file_id": "p", "file_unique_id": "u", "width": 9, "height": 9}], "caption": "look"},
    ],
)
def test_what_is_no_text_is_politely_declined(people: TelegramHandle, content: dict[str, Any]) -> None:
    people.say(TOKEN, 5, **content)
    [text] = play(people, lambda _stage: sent(people, 5))
    assert "only text" in text


def test_a_chat_is_answered_in_order_and_a_slow_one_keeps_nobody_waiting(people: TelegramHandle) -> None:
    async def slowly(bot: Runnable, message: telegram.Message) -> str:
        await asyncio.sleep(1.0 if message.text == "slow" else 0)
        return message.text or ""

    async def act(stage: Stage) -> list[str]:
        await stage.until(lambda: "running" in stage.states)
        people.say_all(TOKEN, [(1, "slow"), (1, "b"), (2, "c")])
        await sent(people, 2)
        people.say(TOKEN, 1, "d")
        return await sent(people, 1, 3)

    assert play(people, act, slowly) == ["slow", "b", "d"]
    assert people.sent(TOKEN, count=4)[0]["chat"]["id"] == 2


def test_a_long_answer_comes_in_several_messages(people: TelegramHandle) -> None:
    async def at_length(bot: Runnable, message: telegram.Message) -> str:
        return "This is a sentence. " * 300

    people.say(TOKEN, 5, "tell me")
    texts = play(people, lambda _stage: sent(people, 5, 2), at_length)
    assert [text.endswith("sentence.") and len(text) <= 4096 for text in texts] == [True, True]


def test_typing_is_shown_while_the_answer_is_made(people: TelegramHandle) -> None:
    async def slowly(bot: Runnable, message: telegram.Message) -> str:
        await asyncio.sleep(0.3)
        return "done"

    people.say(TOKEN, 5, "hello")
    play(people, lambda _stage: sent(people, 5), slowly)
    assert people.counters(TOKEN)["sendChatAction"] == {"200": 1}


def test_nothing_is_said_where_a_person_answers(people: TelegramHandle) -> None:
    async def nothing(bot: Runnable, message: telegram.Message) -> None:
        return None

    async def act(stage: Stage) -> None:
        people.say(TOKEN, 5, "hello")
        await stage.until(lambda: people.bot(TOKEN)["pending_updates"] == 0)

    play(people, act, nothing)
    assert "sendMessage" not in people.counters(TOKEN)


def test_a_bug_is_logged_with_its_traceback_and_the_person_gets_a_sentence(
    people: TelegramHandle, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(bot: Runnable, message: telegram.Message) -> str:
        raise RuntimeError("a bug")

    people.say(TOKEN, 5, "hello")
    with caplog.at_level(logging.INFO):
        [text] = play(people, lambda _stage: sent(people, 5), broken)

    assert "try again" in text
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert (record.name, "bot 7: error in chat 5" in record.getMessage()) == ("bots.worker", True)
    assert "RuntimeError: a bug" in caplog.text
    assert TOKEN not in caplog.text


def test_what_stopped_before_its_answer_comes_again_and_what_was_answered_does_not(people: TelegramHandle) -> None:
    async def killed(stage: Stage) -> None:
        people.say(TOKEN, 5, "answered")
        await sent(people, 5)
        await stage.until(lambda: stage.hosted.lanes.in_hand == 0)
        people.say(TOKEN, 6, "hanging")
        await stage.until(lambda: stage.hosted.lanes.in_hand == 1)
        stage.hosted.lanes._in_hand.copy().popitem()[1].cancel()

    async def hanging(bot: Runnable, message: telegram.Message) -> str:
        await asyncio.sleep(60 if message.text == "hanging" else 0)
        return message.text or ""

    play(people, killed, hanging)
    assert play(people, lambda _stage: sent(people, 6)) == ["Ann: hanging"]
    assert [message["text"] for message in people.sent(TOKEN, 5)] == ["answered"]


def test_a_flood_is_waited_for_as_long_as_telegram_asks(people: TelegramHandle) -> None:
    people.fault(kind="rate_limit", method="sendMessage", seconds=1)
    people.say(TOKEN, 5, "hello")
    assert play(people, lambda _stage: sent(people, 5)) == ["Ann: hello"]
    assert people.counters(TOKEN)["sendMessage"] == {"200": 1, "429": 1}


def test_a_person_who_has_blocked_the_bot_is_no_error(people: TelegramHandle, caplog: pytest.LogCaptureFixture) -> None:
    async def act(stage: Stage) -> None:
        people.say(TOKEN, 5, "hello")
        people.block(TOKEN, 5)
        await stage.until(lambda: "blocked the bot" in caplog.text)

    with caplog.at_level(logging.INFO):
        play(people, act)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        ({"kind": "conflict"}, "conflict"),
        ({"kind": "error", "status": 502}, "degraded"),
        ({"kind": "broken_json"}, "degraded"),
        ({"kind": "cut"}, "degraded"),
        ({"kind": "rate_limit", "seconds": 1}, "flood"),
    ],
)
def test_a_trouble_is_observed_named_and_outlived(people: TelegramHandle, fault: dict[str, Any], state: str) -> None:
    async def act(stage: Stage) -> list[Observed]:
        await stage.until(lambda: "running" in stage.states)
        return stage.seen

    people.fault(method="getUpdates", times=1, **fault)
    seen = play(people, act)
    assert [observed.state for observed in seen] == ["starting", state, "running", "stopped"]
    assert seen[1].error
    assert TOKEN not in seen[1].error


def test_a_revoked_token_is_not_tried_again(people: TelegramHandle) -> None:
    async def act(stage: Stage) -> Observed:
        await stage.until(lambda: "running" in stage.states)
        people.revoke(TOKEN)
        await stage.until(lambda: stage.hosted.gave_up, 5)
        return stage.seen[-1]

    seen = play(people, act)
    assert (seen.state, "token" in (seen.error or "")) == ("revoked", True)


def test_a_wrong_address_of_the_bot_api_is_no_revoked_token(people: TelegramHandle) -> None:
    async def degraded(url: str) -> str | None:
        seen: list[Observed] = []
        async with bot_api.session(url) as session:
            hosted = Hosted(7, House(url, session, row, echo), seen.append)
            stage = Stage(hosted, seen)
            await stage.until(lambda: "degraded" in stage.states)
            await hosted.stop(1)
            return seen[1].error

    async def run() -> list[str | None]:
        async with serving([], host="127.0.0.1", port=0) as port:  # it answers 404, and not as Telegram does
            return [await degraded(f"http://127.0.0.1:{port}"), await degraded("http://127.0.0.1:9")]

    for error in asyncio.run(run()):
        assert error
        assert TOKEN not in error


def test_a_bot_that_is_gone_from_the_database_is_stopped(people: TelegramHandle) -> None:
    async def gone(id: int) -> Runnable:
        raise no_bot(id)

    async def act(stage: Stage) -> list[str]:
        await stage.until(lambda: stage.hosted.gave_up)
        return stage.states

    assert play(people, act, read=gone) == ["starting", "stopped"]


def test_a_bot_starts_when_the_database_is_back(people: TelegramHandle) -> None:
    answers = iter([Unavailable("PostgreSQL does not answer.")])

    async def read(id: int) -> Runnable:
        for error in answers:
            raise error
        return await row(id)

    async def act(stage: Stage) -> list[str]:
        await stage.until(lambda: "running" in stage.states)
        return stage.states

    assert play(people, act, read=read) == ["starting", "degraded", "running"]
