"""``chatai bots``, as an operator types it: a real manager, a real database, the simulator of Telegram."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chatai_core.accounts import users
from chatai_core.bots import instances
from tests.servers.bots import Manager, World, installed, token, until
from tests.servers.command import PROGRAM, Command, Ended

Run = Callable[..., Ended]


@pytest.fixture
def world(database_url: str, redis_url: str, home: Path) -> Iterator[World]:
    with installed(database_url, redis_url, home) as world:
        yield world


@pytest.fixture
def bots(world: World, tmp_path: Path) -> Run:
    """``bots("list", "--json")`` in that installation."""

    def run(*arguments: str, stdin: str = "") -> Ended:
        return Command(world.environment, tmp_path)("bots", *arguments, stdin=stdin)

    return run


@pytest.fixture
def manager(world: World) -> Manager:
    return world.manager(workers=1)


@pytest.fixture
def away(world: World) -> None:
    """No manager answers."""
    world.environment["CHATAI_MANAGER_URL"] = "http://127.0.0.1:9"


def test_add_checks_the_token_stores_the_bot_and_starts_it(world: World, bots: Run, manager: Manager) -> None:
    world.pair.telegram.add_bot(token(1001), username="shop_bot")

    added = bots("add", "Shop", "--token-stdin", "--json", stdin=f"{token(1001)}\n")

    assert (added.exit_code, added.stderr) == (0, "")
    bot = added.json
    wanted = {"name": "Shop", "platform": "telegram", "telegram_username": "shop_bot", "owner": "ann@example.com"}
    assert (wanted | {"desired": "running", "state": "running", "token": "1001:…1001"}).items() <= bot.items()
    world.pair.telegram.say(token(1001), 5, "hello")
    assert world.pair.telegram.sent(token(1001), 5)
    assert token(1001) not in world.log + (world.home / "logs" / "audit.log").read_text()


def test_a_token_that_telegram_does_not_know_is_not_stored(world: World, bots: Run) -> None:
    unknown = bots("add", "--token-stdin", stdin=token(1001))
    malformed = bots("add", "--token-stdin", stdin="hello")
    world.environment["TELEGRAM_API_URL"] = "http://127.0.0.1:9"
    unreachable = bots("add", "--token-stdin", stdin=token(1001))

    assert [unknown.exit_code, malformed.exit_code, unreachable.exit_code] == [77, 65, 69]
    for ended in (unknown, malformed, unreachable):
        assert ended.stdout == ""
        assert token(1001) not in ended.stderr
    assert instances.all(world.database) == []


def test_add_names_the_owner_and_refuses_a_blocked_or_unknown_one(world: World, bots: Run) -> None:
    world.pair.telegram.add_bot(token(1001))
    users.add(world.orm, "bob@example.com", "a long passw0rd for tests")
    asked = ("add", "--token-stdin", "--no-start", "--json", "--owner")

    assert bots(*asked, "nobody@example.com", stdin=token(1001)).exit_code == 66
    users.block(world.orm, "bob@example.com")
    assert bots(*asked, "bob@example.com", stdin=token(1001)).exit_code == 77
    users.unblock(world.orm, "bob@example.com")
    added = bots(*asked, "bob@example.com", stdin=token(1001))
    assert (added.json["owner"], added.json["desired"], added.json["state"]) == (
        "bob@example.com",
        "stopped",
        "stopped",
    )
    again = bots("add", "--token-stdin", "--no-start", stdin=token(1001))
    assert (again.exit_code, "already" in again.stderr) == (65, True)


@pytest.mark.usefixtures("away")
def test_without_the_manager_add_keeps_the_bot_and_says_what_is_missing(world: World, bots: Run) -> None:
    world.pair.telegram.add_bot(token(1001))
    added = bots("add", "--token-stdin", "--json", stdin=token(1001))

    assert (added.exit_code, added.json["desired"], added.json["state"]) == (0, "running", None)
    assert "chatai bots manager" in added.stderr


def test_start_and_stop_wait_for_what_is_observed_and_may_be_repeated(
    world: World, bots: Run, manager: Manager
) -> None:
    one, two = world.bot(1001, is_active=False), world.bot(1002, is_active=False)

    for _again in range(2):
        started = bots("start", str(one.id), f"bot{two.id}", "--json")
        assert (started.exit_code, [row["state"] for row in started.json]) == (0, ["running", "running"])
    assert {row["id"] for row in bots("status", "--json").json} == {one.id, two.id}
    assert bots("restart", str(one.id), "--json").json[0]["state"] == "running"

    stopped = bots("stop", "--all", "--yes", "--json")
    assert [(row["state"], row["desired"]) for row in stopped.json] == [("stopped", "stopped")] * 2
    assert bots("status", "--json").json == []
    assert bots("stop", str(one.id)).exit_code == 0


def test_start_names_what_keeps_a_bot_from_running(world: World, bots: Run, manager: Manager) -> None:
    unknown = world.bot(1001, known=False, is_active=False)
    blocked = world.bot(1002, is_active=False)

    revoked = bots("start", str(unknown.id))
    assert (revoked.exit_code, "revoked" in revoked.stderr, "bots update" in revoked.stderr) == (77, True, True)
    assert bots("start", "999").exit_code == 66
    users.block(world.orm, "ann@example.com")
    refused = bots("start", str(blocked.id))
    assert (refused.exit_code, "blocked" in refused.stderr) == (77, True)


@pytest.mark.usefixtures("away")
def test_without_the_manager_what_is_wanted_is_kept(world: World, bots: Run) -> None:
    bot = world.bot(is_active=False)

    started = bots("start", str(bot.id))
    assert started.exit_code == 69
    assert "chatai bots manager" in started.stderr
    assert "kept" in started.stderr
    assert instances.show(world.database, bot.id).is_active
    listed = bots("list", "--json")
    assert (listed.exit_code, listed.json[0]["state"], "does not answer" in listed.json[0]["error"]) == (0, None, True)
    assert "bot manager does not answer" in listed.stderr
    assert bots("status").exit_code == 69
    assert bots("status", "999").exit_code == 66
    assert bots("stop", str(bot.id)).exit_code == 69
    assert not instances.show(world.database, bot.id).is_active


def test_list_has_the_fields_of_the_contract(world: World, bots: Run) -> None:
    bot = world.bot(is_active=False, name="Shop")
    [row] = bots("list", "--json").json
    assert row == {
        "id": bot.id,
        "name": "Shop",
        "platform": "telegram",
        "assistant_id": bot.assistant_id,
        "assistant": "Shop",
        "desired": "stopped",
        "state": "stopped",
        "worker": None,
        "pid": None,
        "since": None,
        "error": None,
    }
    assert token(1001) not in bots("show", str(bot.id)).stdout


def test_what_must_be_agreed_to_is_asked_and_names_are_checked_first(world: World, bots: Run) -> None:
    bot = world.bot(is_active=False)

    assert bots("remove", "999").exit_code == 66
    assert bots("remove", str(bot.id)).exit_code == 64
    assert bots("stop", "--all").exit_code == 64
    assert bots("start").exit_code == 64
    assert bots("start", str(bot.id), "--all").exit_code == 64
    assert bots("update", str(bot.id)).exit_code == 64
    assert bots("start", str(bot.id), "--dry-run").exit_code == 0
    assert not instances.show(world.database, bot.id).is_active


def test_a_running_bot_changes_its_token_and_is_removed(world: World, bots: Run, manager: Manager) -> None:
    bot = world.bot(1001)
    manager.start(bot.id)
    world.pair.telegram.add_bot(token(1002), username="new_bot")

    changed = bots("update", str(bot.id), "--token-stdin", "--json", stdin=token(1002))
    assert (changed.exit_code, changed.json["telegram_username"]) == (0, "new_bot")
    until(lambda: manager.state(bot.id) == "running")
    world.pair.telegram.say(token(1002), 5, "hello")
    assert world.pair.telegram.sent(token(1002), 5)

    assert bots("remove", str(bot.id), "--yes").exit_code == 0
    assert bots("list", "--json").json == []
    until(lambda: manager.status().workers[0].bots == [])


def test_two_managers_cannot_take_one_port(world: World, manager: Manager) -> None:
    port = manager.url.rpartition(":")[2]
    second = subprocess.run(
        [PROGRAM, "bots", "manager", "--port", port], env=world.environment, capture_output=True, text=True, timeout=30
    )
    assert (second.returncode, second.stdout) == (75, "")
    assert str(manager.process.pid) in second.stderr
    assert not (second.stderr + world.log).count("Traceback")
