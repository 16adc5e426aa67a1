"""The manager and its workers as real processes, on a real PostgreSQL, with the simulators of Telegram and OpenAI."""

import asyncio
import os
import signal
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing

import psutil
import pytest

from chatai_core.adapters.http import Client
from chatai_core.adapters.web import serving
from chatai_core.bots import client, instances
from chatai_core.bots.client import ManagerDown
from chatai_core.errors import Busy, NotFound, NotPermitted, Unauthenticated
from chatai_core.settings import Secret
from tests.servers.bots import AI_KEY, KEY, Manager, World, token, until
from tests.servers.databases import Databases


def test_a_message_is_answered_through_the_pool_and_both_are_kept(world: World) -> None:
    bot = world.bot()
    manager = world.manager()

    started = manager.start(bot.id)
    world.pair.telegram.say(token(1001), 77, "How are you?")
    [sent] = world.pair.telegram.sent(token(1001), 77)

    assert (started.state, started.active, started.pid in manager.workers()) == ("running", True, True)
    assert "How are you?" in sent["text"]
    assert world.messages() == [("77", "user", "How are you?"), ("77", "assistant", sent["text"])]
    used = "SELECT name FROM ai_token_usage JOIN ai_token_pool AS pool ON pool.id = token_id WHERE success"
    assert world.database.value(used) == "first"
    for secret in (token(1001), AI_KEY, KEY.reveal()):
        assert secret not in world.log


def test_bots_that_should_run_are_started_with_the_manager_and_end_with_it(world: World) -> None:
    wanted, unwanted = world.bot(1001), world.bot(1002, is_active=False)
    manager = world.manager()

    client.awaited(manager.url, wanted.id, "running")
    workers = manager.workers()
    manager.process.send_signal(signal.SIGTERM)

    assert [bot.id for bot in instances.all(world.database)] == [wanted.id, unwanted.id]
    assert manager.process.wait(20) == 0
    assert not any(map(psutil.pid_exists, workers))
    assert "Traceback" not in world.log
    assert set(world.pair.telegram.counters(token(1001))["getUpdates"]) == {"200"}


def test_start_and_stop_may_be_repeated_and_are_kept(world: World) -> None:
    bot = world.bot(is_active=False)
    manager = world.manager()

    first, again = manager.start(bot.id), manager.start(bot.id)
    assert (first.state, again.state, again.since, again.pid) == ("running", "running", first.since, first.pid)
    assert instances.show(world.database, bot.id).is_active

    assert [manager.stop(bot.id).state, manager.stop(bot.id).state] == ["stopped", "stopped"]
    assert not instances.show(world.database, bot.id).is_active
    assert manager.status().bots == []


def test_a_killed_worker_is_started_again_and_answers_what_came_meanwhile_once(world: World) -> None:
    bot = world.bot()
    manager = world.manager()
    manager.start(bot.id)
    [worker] = manager.workers()

    world.pair.openai.fault(kind="slow", seconds=1.5)
    world.pair.telegram.say(token(1001), 77, "first")
    world.pair.openai.wait_for_calls(1)
    os.kill(worker, signal.SIGKILL)
    crashed = until(lambda: found if (found := client.show(manager.url, bot.id)).state == "crashed" else None)
    world.pair.telegram.say(token(1001), 77, "second")
    texts = [message["text"] for message in world.pair.telegram.sent(token(1001), 77, count=2)]

    assert "SIGKILL" in (crashed.error or "")
    assert ["first" in texts[0], "second" in texts[1], len(texts)] == [True, True, 2]
    assert [text for _chat, sender, text in world.messages() if sender == "user"] == ["first", "second"]
    assert (manager.state(bot.id), manager.status().workers[0].restarts) == ("running", 1)


@pytest.mark.proof
def test_a_worker_that_hangs_is_killed_and_started_again(world: World) -> None:
    bot = world.bot()
    manager = world.manager()
    manager.start(bot.id)
    [worker] = manager.workers()

    os.kill(worker, signal.SIGSTOP)
    until(lambda: not psutil.pid_exists(worker), 45, "the end of the hanging worker")
    world.pair.telegram.say(token(1001), 77, "hello")

    assert world.pair.telegram.sent(token(1001), 77, timeout=20)
    assert "silent for 30 s" in world.log


def test_an_assistants_new_name_is_used(world: World) -> None:
    bot = world.bot(name="Ann")
    manager = world.manager()
    manager.start(bot.id)

    world.database.execute("UPDATE assistants SET name = 'Bob'")
    client.reconcile(manager.url, KEY)
    client.awaited(manager.url, bot.id, "running")
    world.pair.telegram.say(token(1001), 77, "/start")

    assert "I am Bob" in world.pair.telegram.sent(token(1001), 77)[0]["text"]


def test_a_killed_manager_leaves_no_worker_behind(world: World) -> None:
    world.bot(1001), world.bot(1002)
    manager = world.manager(workers=2)
    until(lambda: len([bot for bot in manager.status().bots if bot.active]) == 2)
    workers = manager.workers()

    manager.process.kill()
    manager.process.wait()

    assert len(workers) == 2
    until(lambda: not any(map(psutil.pid_exists, workers)), 5, "the end of the workers")


def test_a_revoked_token_shows_and_harms_no_other_bot(world: World) -> None:
    revoked, other = world.bot(1001), world.bot(1002)
    manager = world.manager(workers=1)
    assert manager.start(revoked.id).worker == manager.start(other.id).worker == 1

    world.pair.telegram.revoke(token(1001))
    until(lambda: manager.state(revoked.id) == "revoked", 5)
    with pytest.raises(NotPermitted, match="revoked"):
        manager.start(revoked.id)

    world.pair.telegram.say(token(1002), 5, "still there?")
    assert world.pair.telegram.sent(token(1002), 5)
    instances.update(world.orm, world.cipher, revoked.id, token=token(1003))
    world.pair.telegram.add_bot(token(1003), username="tests1003_bot")
    client.reconcile(manager.url, KEY)
    assert client.awaited(manager.url, revoked.id, "running").active


@pytest.mark.parametrize("end", [lambda manager, id: manager.stop(id), lambda manager, id: manager.process.terminate()])
def test_the_answer_in_hand_is_given_before_the_end(world: World, end: Callable[[Manager, int], object]) -> None:
    bot = world.bot()
    manager = world.manager()
    manager.start(bot.id)

    world.pair.openai.fault(kind="slow", seconds=1.5)
    world.pair.telegram.say(token(1001), 77, "quick!")
    world.pair.openai.wait_for_calls(1)
    end(manager, bot.id)

    assert "quick!" in world.pair.telegram.sent(token(1001), 77, timeout=5)[0]["text"]
    until(lambda: world.pair.telegram.bot(token(1001))["pending_updates"] == 0, 5, "the confirmation")


def test_a_bot_that_is_started_while_it_stops_answers_nothing_twice(world: World) -> None:
    bot = world.bot()
    manager = world.manager()
    manager.start(bot.id)

    world.pair.openai.fault(kind="slow", seconds=1.0)
    world.pair.telegram.say(token(1001), 77, "once")
    world.pair.openai.wait_for_calls(1)
    client.stop(manager.url, KEY, bot.id, wait=None)
    client.start(manager.url, KEY, bot.id)
    world.pair.telegram.say(token(1001), 77, "more")

    texts = [message["text"] for message in world.pair.telegram.sent(token(1001), 77, count=2)]
    assert ["once" in texts[0], "more" in texts[1], len(texts)] == [True, True, 2]


def test_a_start_that_is_overtaken_by_a_stop_is_not_waited_for(world: World) -> None:
    bot = world.bot(is_active=False)
    manager = world.manager()
    world.pair.telegram.fault(kind="slow", seconds=3, times=-1, method="getMe")
    client.start(manager.url, KEY, bot.id, wait=None)

    stopping = threading.Timer(0.3, client.stop, [manager.url, KEY, bot.id])
    stopping.start()
    began = time.monotonic()
    with pytest.raises(Busy, match=f"Somebody has told bot {bot.id} the contrary"):
        client.awaited(manager.url, bot.id, "running")
    waited = time.monotonic() - began
    stopping.join()

    assert waited < client.WAIT / 2
    assert client.show(manager.url, bot.id).state == "stopped"


def test_without_the_database_the_bots_go_on_and_the_manager_says_so(world: World, databases: Databases) -> None:
    bot = world.bot()
    manager = world.manager()
    manager.start(bot.id)
    name = world.orm.url.split("?")[0].rpartition("/")[2]

    world.orm.close()
    databases.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    databases.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    with pytest.raises(client.Unavailable):
        client.reconcile(manager.url, KEY)
    world.pair.telegram.say(token(1001), 77, "hello?")
    [apology] = world.pair.telegram.sent(token(1001), 77)

    assert (manager.state(bot.id), bool(manager.status().database_error)) == ("running", True)
    assert "try again" in apology["text"]
    databases.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    until(lambda: manager.status().database_error is None, what="the manager's recovery")
    world.pair.telegram.say(token(1001), 77, "and now?")
    assert "and now?" in world.pair.telegram.sent(token(1001), 77, count=2)[1]["text"]


def test_the_old_shape_of_status_is_kept_and_more_is_added(world: World) -> None:
    bot = world.bot(name="Shop")
    manager = world.manager()
    manager.start(bot.id)

    with Client(manager.url) as anybody:
        status, workers = anybody.get("/status"), anybody.get("/workers")["workers"]

    assert status["totalBots"] == 1
    [row] = status["bots"]
    old = {"id": bot.id, "type": "telegram", "assistant": "Shop", "platform": "telegram", "active": True}
    assert old.items() <= row.items()
    assert (row["pid"], row["state"], row["error"]) == (manager.workers()[0], "running", None)
    assert workers["1"]["bots"] == [bot.id]
    with urllib.request.urlopen(f"{manager.url}/metrics") as answer:
        metrics = answer.read().decode()
    assert 'chatai_bots{state="running"} 1.0' in metrics
    assert f'chatai_bot_up{{bot_id="{bot.id}"}} 1.0' in metrics


def test_changes_need_the_key_and_a_bot_that_exists(world: World) -> None:
    bot = world.bot(is_active=False)
    manager = world.manager()

    for key in (Secret("wrong"), Secret("")):
        with pytest.raises(Unauthenticated):
            client.start(manager.url, key, bot.id)
    with pytest.raises(NotFound):
        client.start(manager.url, KEY, 999)
    with Client(manager.url) as nobody, pytest.raises(Unauthenticated):
        nobody.post(f"/bots/{bot.id}/start")
    assert not instances.show(world.database, bot.id).is_active
    with pytest.raises(ManagerDown, match="does not answer"):
        client.start("http://127.0.0.1:9", KEY, bot.id)


def test_a_taken_port_is_refused_and_its_holder_named(world: World) -> None:
    manager = world.manager()

    async def listen() -> None:
        async with serving([], host="127.0.0.1", port=int(manager.url.rpartition(":")[2])):
            raise AssertionError("two listen on one port")

    with pytest.raises(Busy) as busy:
        asyncio.run(listen())
    assert str(manager.process.pid) in busy.value.why


def test_another_program_with_the_same_token_is_named_and_outlived(world: World) -> None:
    bot = world.bot()
    manager = world.manager()
    world.pair.telegram.fault(kind="conflict", method="getUpdates", times=1)

    with closing(_Poller(manager, bot.id)) as seen:
        assert manager.start(bot.id).state == "running"
    assert "conflict" in seen.states


class _Poller:
    """Notes every state that a bot passes through."""

    def __init__(self, manager: Manager, id: int) -> None:
        self.states: list[str] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, args=(manager, id))
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self, manager: Manager, id: int) -> None:
        while not self._over.wait(0.05):
            self.states.append(manager.state(id))
