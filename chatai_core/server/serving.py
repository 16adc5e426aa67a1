"""The processes of the backend: what is checked before they start, how they are run, how they end."""

import functools
import os
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from chatai_core import journal, migrations
from chatai_core.adapters import files
from chatai_core.adapters.postgres import Database
from chatai_core.errors import ChataiError, Misconfigured
from chatai_core.i18n import _
from chatai_core.installation import Installation
from chatai_core.server import addresses, beside, listening
from chatai_core.settings import Settings

if TYPE_CHECKING:
    from uvicorn import Config

_LAST_SECONDS = 3.0
_IN_PRODUCTION = ("SECRET_KEY", "CHATAI_INTERNAL_KEY", "DATABASE_URL", "REDIS_URL")

Say = Callable[[str], None]


def serve(installation: Installation, overrides: Mapping[str, str], *, bots: bool, say: Say) -> None:
    """Run the backend until SIGTERM or Ctrl-C; ``say`` tells the operator something, a line at a time.

    Raises Busy (a port is taken), Misconfigured, Unavailable, NotPermitted before anything is answered.
    """
    with _ending_on_sigterm(), ExitStack() as stack:
        chatai = stack.enter_context(_configured(installation, overrides, bots))
        settings = chatai.settings
        _require_production_settings(settings, chatai.given)
        addresses.networks(settings.server.trusted_proxies)  # refused now, not by each worker
        listener = stack.enter_context(listening.listen(settings.server.host, settings.server.port))
        if bots:
            listening.require_free("127.0.0.1", settings.server.manager_port, setting="CHATAI_MANAGER_PORT")
        loaded = _loading(settings.server.workers)
        _open_journal(settings)
        _require_keys(chatai)
        _prepare_database(chatai)
        _say_when_degraded(chatai, say)
        loaded.join()
        if bots:
            stack.enter_context(beside.bot_manager(chatai.environment(), say))
        ready = functools.partial(_announce, chatai, listener, say)
        if settings.server.workers == 1:
            _run_alone(chatai, listener, ready)
        else:
            _run_many(chatai, listener, ready, stack)


def overrides(host: str | None, port: int | None, workers: int | None, manager_port: int | None) -> dict[str, str]:
    """What the command line says, as settings."""
    given = {"CHATAI_HOST": host, "CHATAI_PORT": port, "CHATAI_WORKERS": workers, "CHATAI_MANAGER_PORT": manager_port}
    return {name: str(value) for name, value in given.items() if value is not None}


def _configured(installation: Installation, overrides: Mapping[str, str], bots: bool) -> Installation:
    chatai = installation.altered(overrides, pooled=True)
    if not bots:
        return chatai
    # The manager beside us is the one to ask, whatever CHATAI_MANAGER_URL says.
    url = f"http://127.0.0.1:{chatai.settings.server.manager_port}"
    return chatai.altered({"CHATAI_MANAGER_URL": url}, pooled=True)


def _require_production_settings(settings: Settings, given: Mapping[str, object]) -> None:
    missing = [name for name in _IN_PRODUCTION if name not in given]
    if settings.in_production and missing:
        raise Misconfigured(
            _("{names} must be set in production.").format(names=", ".join(missing)),
            why=_("Production makes up no keys and starts no databases of its own."),
            hint="chatai config check",
        )


def _loading(workers: int) -> threading.Thread:
    """Import what will run beside the start of the databases: each takes about as long as the other."""

    def load() -> None:
        import chatai_core.server.supervision

        if workers == 1:
            import chatai_core.server.app  # noqa: F401

    thread = threading.Thread(target=load, name="loading", daemon=True)
    thread.start()
    return thread


def _open_journal(settings: Settings) -> None:
    journal.open(settings.log_dir, service="backend", level=settings.journal.level, format=settings.journal.format)


def _require_keys(chatai: Installation) -> None:
    """Read or make the keys now: what keeps us from it is said before anything is answered. Raises CannotCreate."""
    for key in (chatai.secret_key, chatai.internal_key):
        assert key


def _prepare_database(chatai: Installation) -> None:
    """Bring the schema to head in development; in production refuse another one. Raises also what keeps us out."""
    with closing(Database(chatai.database_url, connect_timeout=chatai.settings.database.connect_timeout)) as database:
        current = migrations.current(database)
    if current.is_head:
        return
    if chatai.settings.in_production:
        raise Misconfigured(
            _("The database's schema is of another version."),
            why=_("It is at {revision}, this version of ChatAI needs {head}.").format(
                revision=current.revision or "base", head=current.head
            ),
            hint="chatai migrate upgrade",
        )
    migrations.upgrade(chatai.database_url)


def _say_when_degraded(chatai: Installation, say: Say) -> None:
    redis = chatai.redis  # an address that cannot be read is refused
    try:
        redis.ping()
    except ChataiError as error:
        say(_("Starting without Redis: {error}").format(error=error))
        say(_("Request limits are counted by each process alone until it answers."))


def _announce(chatai: Installation, listener: socket.socket, say: Say) -> None:
    url = listening.url_of(listener)
    say(
        _("ChatAI answers at {url} (documentation: {url}/docs); data in {home}, logs in {logs}.").format(
            url=url, home=chatai.home, logs=chatai.settings.log_dir
        )
    )


def _run_alone(chatai: Installation, listener: socket.socket, ready: Callable[[], None]) -> None:
    from chatai_core.server import app, supervision

    supervision.Alone(_config(app.create(chatai)), ready).run([listener])


def _run_many(chatai: Installation, listener: socket.socket, ready: Callable[[], None], stack: ExitStack) -> None:
    from chatai_core.server import supervision, worker

    numbers = stack.enter_context(_shared_metrics(chatai.home, listener.getsockname()[1]))
    given = {name: value.text for name, value in chatai.given.items()}
    given |= {"DATABASE_URL": chatai.database_url, "REDIS_URL": chatai.redis_url}
    make = functools.partial(worker.create, given, numbers)
    supervision.Many(_config(make, workers=chatai.settings.server.workers), [listener], ready).run()


def _config(application: "Callable[..., object]", workers: int = 1) -> "Config":
    from uvicorn import Config

    from chatai_core.server import heads, supervision

    return Config(
        application,
        factory=workers > 1,
        workers=workers,
        loop="uvloop",
        http=heads.Bounded,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=supervision.GRACE,
    )


@contextmanager
def _shared_metrics(home: Path, port: int) -> Iterator[Path]:
    """The directory where the workers keep their numbers; who holds the port owns it, whoever died before."""
    directory = files.directory(home / "run") / f"metrics-{port}"
    shutil.rmtree(directory, ignore_errors=True)
    files.directory(directory, mode=0o700)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(directory)
    try:
        yield directory
    finally:
        del os.environ["PROMETHEUS_MULTIPROC_DIR"]
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _ending_on_sigterm() -> Iterator[None]:
    """SIGTERM ends us in order, with code 0, from the first moment on."""

    def end(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)  # once is enough: a second one would only cut the end short
        sys.exit(0)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    except (SystemExit, KeyboardInterrupt) as asked:
        _cut_off_what_hangs(130 if isinstance(asked, KeyboardInterrupt) else 0)
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


def _cut_off_what_hangs(code: int) -> None:
    """Python would wait without end for a thread that waits for a database."""
    here = threading.current_thread()
    if any(not thread.daemon for thread in threading.enumerate() if thread is not here):
        timer = threading.Timer(_LAST_SECONDS, os._exit, [code])
        timer.daemon = True
        timer.start()
