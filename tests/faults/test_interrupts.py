"""Ctrl-C and SIGTERM, at any moment: one quiet line or none, nothing left running, nothing half-written."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest

from chatai_core.adapters.postgres import Database
from chatai_core.adapters.processes import free_port
from tests.faults import processes
from tests.faults.running import running, until
from tests.ops.conftest import Process
from tests.servers.command import PROGRAM, Command, Ended
from tests.servers.gate import Gate

QUIET = Ended(130, "", "Interrupted.\n")
TERMINATED = Ended(143, "", "Ended by SIGTERM.\n")
HUNG_UP = Ended(129, "", "Ended by SIGHUP.\n")
WISHES = [(signal.SIGINT, QUIET), (signal.SIGTERM, TERMINATED), (signal.SIGHUP, HUNG_UP)]
DONE = Ended(0, "", "")  # SIGTERM is how services are stopped


@pytest.mark.parametrize(
    ("number", "moment", "expected"),
    [  # what can be seen of an empty home while it is filled
        (signal.SIGINT, "run/keeper.lock", QUIET),
        (signal.SIGINT, "postgres/new-*", QUIET),
        (signal.SIGTERM, "postgres/data", DONE),
        (signal.SIGINT, "run/postgres/.s.PGSQL.5432", QUIET),
    ],
)
def test_while_the_embedded_servers_are_made(
    number: signal.Signals, moment: str, expected: Ended, chatai: Command, home: Path
) -> None:
    with running(chatai, "serve --port 0") as backend:
        until(lambda: any(home.glob(moment)), backend)
        backend.send(number)
        assert backend.ended() == expected
    assert processes.left(home) == []
    assert chatai("migrate", "upgrade").exit_code == 0
    assert not list(home.glob("postgres/new-*"))


def test_while_it_serves_with_workers_and_a_bot_manager(chatai: Command, used: Path) -> None:
    with running(chatai, f"serve --port 0 --workers 2 --bots --manager-port {free_port()}") as backend:
        until(lambda: processes.called(used, "chatai_core.bot_manager"), backend)
        until(lambda: len(processes.called(used, "spawn_main")) == 2, backend)
        time.sleep(1)
        backend.send(signal.SIGINT)
        ended = backend.ended()
    assert ended.exit_code == 130
    assert "Traceback" not in ended.stderr
    assert processes.left(used) == []


# In this test's own database: the server is shared with the other workers of the run.
_SLEEPING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
_WAITING = """
SELECT count(*) FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
WHERE NOT l.granted AND l.locktype = 'relation' AND d.datname = current_database()
"""


@contextmanager
def _slow_migrations(url: str) -> Iterator[Callable[[], bool]]:
    """Every CREATE TABLE takes a second; whether one is under way."""
    database = Database(url)
    database.execute(
        "CREATE FUNCTION dawdle() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1); END'"
    )
    database.execute(
        "CREATE EVENT TRIGGER slow ON ddl_command_start WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION dawdle()"
    )
    try:
        yield lambda: bool(database.value(_SLEEPING))
    finally:
        database.close()


@pytest.mark.parametrize(
    ("line", "number", "expected"),
    [
        ("migrate upgrade", signal.SIGINT, QUIET),
        ("migrate upgrade", signal.SIGTERM, TERMINATED),
        ("serve --port 0", signal.SIGINT, QUIET),
        ("serve --port 0", signal.SIGTERM, DONE),
    ],
)
def test_while_the_database_is_migrated(
    line: str, number: signal.Signals, expected: Ended, chatai: Command, empty_database_url: str, redis_url: str
) -> None:
    with _slow_migrations(empty_database_url) as migrating, running(chatai, line) as command:
        until(migrating, command)
        command.send(number)
        assert command.ended() == expected
        assert not migrating()
    database = Database(empty_database_url)
    assert database.value("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == 0
    database.execute("DROP EVENT TRIGGER slow")
    database.close()
    assert chatai("migrate", "upgrade").exit_code == 0


@contextmanager
def _locked(url: str) -> Iterator[Callable[[], bool]]:
    """Nobody gets at the tables; whether somebody waits for one."""
    connection = psycopg2.connect(url)
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE users, ai_token_pool, bot_instances IN ACCESS EXCLUSIVE MODE")

        def is_wanted() -> bool:
            cursor.execute(_WAITING)
            return cursor.fetchone() != (0,)

        yield is_wanted
    connection.close()


@pytest.mark.parametrize(("number", "expected"), WISHES)
@pytest.mark.parametrize("line", ["tokens list", "users list", "bots list -o csv"])
def test_while_the_database_does_not_answer_yet(
    line: str, number: signal.Signals, expected: Ended, chatai: Command, database_url: str
) -> None:
    with _locked(database_url) as is_wanted, running(chatai, line) as command:
        until(is_wanted, command)
        command.send(number)
        assert command.ended(3) == expected
        assert not is_wanted()  # the server has been told, too


@pytest.mark.parametrize(
    ("line", "number", "expected"),
    [("tokens list", signal.SIGINT, QUIET), ("serve --port 0", signal.SIGTERM, DONE)],
)
def test_while_a_server_does_not_say_its_first_word(
    line: str, number: signal.Signals, expected: Ended, chatai: Command
) -> None:
    gate = Gate(("127.0.0.1", 1))
    gate.fall_silent()
    with running(chatai, line, {"DATABASE_URL": f"postgresql://u@127.0.0.1:{gate.port}/d"}) as command:
        time.sleep(1)
        command.send(number)
        assert command.ended(2) == expected
    gate.close()


@pytest.mark.parametrize(("number", "expected"), WISHES)
def test_while_it_backs_up(
    number: signal.Signals, expected: Ended, chatai: Command, home: Path, database_url: str
) -> None:
    backups = home / "backups"
    with _locked(database_url) as is_wanted, running(chatai, "db backup") as command:
        until(is_wanted, command)
        assert list(backups.glob("*.partial"))
        os.kill(command.pid, number)  # pg_dump is ours to end
        assert command.ended() == expected
        assert not is_wanted()  # pg_dump is gone
    assert os.listdir(backups) == [".lock"]
    assert chatai("db", "backup", "--json").json["verified"]


def test_while_it_reads_a_log(chatai: Command) -> None:
    with running(chatai, "logs errors --file -") as command:
        time.sleep(0.5)
        command.send(signal.SIGINT)
        assert command.ended() == QUIET


@pytest.fixture
def terminal(chatai: Command) -> Process:
    """The command on a terminal."""
    return Process([str(PROGRAM)], chatai.environment, chatai.directory)


@pytest.mark.usefixtures("database_url")
def test_at_the_prompt_for_a_password(terminal: Process, chatai: Command) -> None:
    for typed in (["\x03"], ["correct horse 7\n", "\x03"]):
        ended = terminal.on_terminal("users", "add", "ann@example.com", typed=typed)
        assert ended.exit_code == 130
        assert ended.stdout.endswith("Interrupted.\n")
        assert "Traceback" not in ended.stdout
    assert chatai("users", "list", "--json").json == []


@pytest.mark.usefixtures("database_url")
def test_at_the_question_whether_to_go_on(terminal: Process, chatai: Command) -> None:
    ended = terminal.on_terminal("migrate", "downgrade", "base", typed=["\x03"])
    assert ended.exit_code == 130
    assert ended.stdout.endswith("Interrupted.\n")
    assert chatai("migrate", "current", "--json").json["is_head"]


@pytest.mark.proof
@pytest.mark.parametrize("seconds", [1, 3, 5, 6])
def test_while_the_demo_plays_and_once_more_while_it_cleans_up(seconds: int, chatai: Command, home: Path) -> None:
    home.mkdir()
    with running(chatai, "demo", {"TMPDIR": str(home)}) as demo:
        time.sleep(seconds)
        for _time in range(2):
            if demo.runs:
                demo.send(signal.SIGINT)
            time.sleep(0.3)
        ended = demo.ended(30)
    # The second one may come when "Interrupted." has been said and Python itself ends.
    assert ended.exit_code in {0, 130, -signal.SIGINT}, ended
    assert "Traceback" not in ended.stderr
    assert processes.left(home) == [], ended
    assert list(map(str, home.rglob("*"))) == [], ended


@pytest.mark.proof
@pytest.mark.parametrize("line", ["serve --port 0", "tokens list", "db backup", "config show", "logs errors --file -"])
def test_an_impatient_person_at_any_moment(line: str, chatai: Command, used: Path) -> None:
    """Three times in a row, sooner and later; a command that ends by itself is over by then."""
    for moment in range(1, 25):
        with running(chatai, line) as command:
            time.sleep(moment * (0.06 if "serve" in line else 0.02))
            for _time in range(3):
                if command.runs:
                    command.send(signal.SIGINT)
                time.sleep(0.02)
            ended = command.ended(20)
        assert ended.exit_code in {0, 130} or _before_our_first_line(ended), (moment, ended)
        assert "Traceback" not in ended.stderr or _before_our_first_line(ended), (moment, ended)
        assert processes.left(used) == [], moment
    assert list(used.rglob("*.partial")) == []


def _before_our_first_line(ended: Ended) -> bool:
    """While Python itself starts, the signal means what it means to every program in Python."""
    return ended.exit_code == -signal.SIGINT or "init_import_site" in ended.stderr
