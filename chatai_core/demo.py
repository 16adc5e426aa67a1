"""The whole system at work, offline, in a home of its own: what it does and what each command then says.

Telegram and OpenAI are the simulators; the databases, the backend, the manager, the workers and the commands are the
real ones, each a process as in an installation.
"""

import contextlib
import json
import shlex
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from chatai_core import settings, simulators
from chatai_core.adapters import command, http, processes
from chatai_core.errors import ChataiError, Unavailable
from chatai_core.i18n import _

if TYPE_CHECKING:
    from chatai_core.simulators.pair import Pair

OWNER = "demo@example.org"
_CHAT = 1001
_MESSAGES = ("Hello! Who are you?", "What do you cost?", "Thank you, goodbye.")
_BOT_TOKEN = "700000001:" + "Demo-Telegram-Token-" + "0123456789abcde"  # of the simulator, valid nowhere else
_AI_KEY = "sk-demo-" + "0123456789abcdef" * 2
_PASSWORD = "demo-Password-1"  # noqa: S105  of a home that lives for a minute


@dataclass(slots=True)
class Stage:
    """Where the demo plays: its directory, the settings of its processes, and these processes."""

    home: Path
    environment: dict[str, str]
    children: list[command.Child] = field(default_factory=list)

    def start(self, name: str, *words: str) -> None:
        """Start a process that goes on; its output goes to ``<name>.log``."""
        output = self.home / f"{name}.log"
        argv = [sys.executable, "-m", *words]
        with _undisturbed():
            self.children.append(
                command.start(argv, env=self.environment, directory=self.home, output=output, detached=True)
            )

    def chatai(self, *words: str, stdin: str = "") -> Iterator[str]:
        """The lines of one command as a person sees them: what is typed, then the answer."""
        yield f"$ chatai {shlex.join(words)}"
        done = self.run(*words, stdin=stdin)
        yield from (f"  {line}" for line in (done.stdout + done.stderr).splitlines())
        yield ""

    def run(self, *words: str, stdin: str = "") -> command.Completed:
        """Run one command to its end. Raises ProgramFailed."""
        argv = [sys.executable, "-m", "chatai_ops", *words]
        return command.run(argv, stdin=stdin.encode(), env=self.environment, directory=self.home, timeout=60)

    def until(self, what: str, ready: Callable[[], bool], *, seconds: float = 60) -> float:
        """Wait for something; how long it took, in seconds. Raises Unavailable with the last lines of the logs."""
        began = time.monotonic()
        while not ready():
            ended = next((child.code for child in self.children if child.code is not None), None)
            if ended is not None or time.monotonic() - began > seconds:
                logs = [line for log in sorted(self.home.glob("*.log")) for line in log.read_text().splitlines()[-3:]]
                raise Unavailable(_("The demo's {what} did not start.").format(what=what), why=" ".join(logs))
            time.sleep(0.05)
        return time.monotonic() - began

    def stop(self) -> None:
        """End the processes, the last first, and remove the home; Ctrl-C in the midst of it only makes it quicker."""
        for grace in (20.0, 5.0, 5.0):
            with contextlib.suppress(KeyboardInterrupt):
                for child in reversed(self.children):
                    child.stop(grace=grace)
                self._remove_home()
                return

    def _remove_home(self) -> None:
        """Remove it, again while servers that were stopped in a hurry still write there."""
        deadline = time.monotonic() + 5
        shutil.rmtree(self.home, ignore_errors=True)
        while self.home.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
            shutil.rmtree(self.home, ignore_errors=True)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Put Ctrl-C and the like off: no process may be started and not be known."""
    heard: list[int] = []
    wished = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in wished if signal.getsignal(number) != signal.SIG_IGN}
    for number in before:
        signal.signal(number, lambda number, _frame: heard.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if heard:
        signal.raise_signal(heard[0])


def play(*, keep: bool = False) -> Iterator[str]:
    """Show everything, line by line; with ``keep`` it goes on running, and the last lines say how to use it."""
    stage = _stage()
    kept = False
    try:
        yield _("A home for this demo: {home}").format(home=stage.home)
        yield _("Telegram and OpenAI are simulated on this machine; everything else is real.")
        yield ""
        pair = _simulators(stage)
        yield from _backend(stage)
        yield from _cast(stage)
        yield from _talk(pair)
        yield from _five(stage, pair)
        if keep:
            kept = True
            yield from _how_to_use(stage, pair)
    finally:
        if not kept:
            stage.stop()
    if not kept:
        yield _("Everything is stopped and removed. `chatai demo --keep` leaves it running.")


def _stage() -> Stage:
    """A directory through which the embedded servers' own user may pass, and settings that are no other's."""
    home = Path(tempfile.mkdtemp(prefix="chatai-demo-"))
    home.chmod(0o755)
    port, manager_port = processes.free_port(), processes.free_port()
    nothing = dict.fromkeys(settings.names(), "")
    own = {
        "CHATAI_HOME": str(home / "home"),
        "CHATAI_LOG_DIR": str(home / "logs"),
        "CHATAI_PORT": str(port),
        "CHATAI_MANAGER_PORT": str(manager_port),
        "CHATAI_API_URL": f"http://127.0.0.1:{port}",
        "CHATAI_MANAGER_URL": f"http://127.0.0.1:{manager_port}",
    }
    return Stage(home, {**nothing, **own})


def _simulators(stage: Stage) -> "Pair":
    stage.start("simulators", "chatai_core.simulators")
    said = stage.home / "simulators.log"
    stage.until(_("simulators"), lambda: said.read_text().endswith("}\n"))
    urls = json.loads(said.read_text().splitlines()[-1])
    pair = simulators.at(telegram=urls["telegram"], openai=urls["openai"])
    pair.telegram.add_bot(_BOT_TOKEN, username="demo_helper_bot")
    pair.openai.add_key(_AI_KEY)
    stage.environment |= {"TELEGRAM_API_URL": urls["telegram"], "OPENAI_BASE_URL": urls["openai"]}
    return pair


def _backend(stage: Stage) -> Iterator[str]:
    words = ("serve", "--bots")
    yield f"$ chatai {shlex.join(words)} &"
    stage.start("serve", "chatai_ops", *words)
    api, manager = stage.environment["CHATAI_API_URL"], stage.environment["CHATAI_MANAGER_URL"]
    took = stage.until(_("backend"), lambda: _answers(api, "/readyz"))
    stage.until(_("bot manager"), lambda: _answers(manager, "/status"))
    yield "  " + _("ready after {seconds} s: {url}/docs").format(seconds=f"{took:.1f}", url=api)
    yield ""


def _answers(url: str, path: str) -> bool:
    with contextlib.suppress(ChataiError), http.Client(url, timeout=2) as client:
        client.get(path)
        return True
    return False


def _cast(stage: Stage) -> Iterator[str]:
    """The people and things that the demo needs, made as a person makes them."""
    yield from stage.chatai("users", "add", OWNER, "--admin", "--password-stdin", stdin=_PASSWORD)
    yield from stage.chatai("tokens", "add", "demo", "--token-stdin", stdin=_AI_KEY)
    yield from stage.chatai("bots", "add", "helper", "--token-stdin", "--no-start", stdin=_BOT_TOKEN)
    yield from stage.chatai("bots", "start", "1")


def _talk(pair: "Pair") -> Iterator[str]:
    for count, text in enumerate(_MESSAGES, start=1):
        yield _("Somebody writes to the bot: {text}").format(text=text)
        pair.telegram.say(_BOT_TOKEN, _CHAT, text)
        reply = pair.telegram.sent(_BOT_TOKEN, _CHAT, count=count, timeout=30)[-1]["text"]
        yield _("The bot answers: {text}").format(text=reply)
    yield ""


def _five(stage: Stage, pair: "Pair") -> Iterator[str]:
    """The five commands; one error is provoked, so that there is one to be seen."""
    yield from _health(stage)
    yield from stage.chatai("bots", "list")
    yield from stage.chatai("tokens", "list")
    yield from stage.chatai("db", "backup")
    yield _("Now OpenAI answers one message with an error of its own:")
    pair.openai.fault(kind="error", status=500, times=-1)
    pair.telegram.say(_BOT_TOKEN, _CHAT, "Are you still there?")
    pair.telegram.sent(_BOT_TOKEN, _CHAT, count=len(_MESSAGES) + 1, timeout=60)
    pair.openai.clear_faults()
    yield from stage.chatai("logs", "errors")


def _health(stage: Stage) -> Iterator[str]:
    api = stage.environment["CHATAI_API_URL"]
    yield f"$ curl {api}/health"
    with http.Client(api) as client:
        yield f"  {json.dumps(client.get('/health'))}"
    yield ""


def _how_to_use(stage: Stage, pair: "Pair") -> Iterator[str]:
    exports = stage.home / "demo.env"
    chosen = {name: value for name, value in stage.environment.items() if value}
    exports.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in chosen.items()))
    pids = " ".join(str(child.pid) for child in reversed(stage.children))
    say = f'curl -d \'{{"chat_id": {_CHAT}, "text": "Hi"}}\' {pair.telegram.url}/simulator/bots/700000001/messages'
    for sentence, line in (
        (_("It goes on running. In any shell:"), f". {exports}"),
        (_("then every command speaks to it, for example"), "chatai bots list"),
        (_("Write to the bot:"), say),
        (_("Its API:"), f"{stage.environment['CHATAI_API_URL']}/docs ({OWNER}, {_PASSWORD})"),
        (_("Stop and remove it:"), f"kill {pids}; sleep 3; rm -r {stage.home}"),
    ):
        yield sentence
        yield f"  {line}"
