"""uvicorn's two ways to run, alone and with workers, made to say when they are ready and to end with their parent."""

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable

from uvicorn import Config, Server
from uvicorn.supervisors import Multiprocess

from chatai_core.errors import Unavailable
from chatai_core.i18n import _

logger = logging.getLogger("api.server")

GRACE = 10  # seconds in which requests under way are finished
_START_WITHIN = 60.0  # seconds
_END_WITHIN = GRACE + 3.0  # seconds after which a thread that hangs in a database keeps nobody


class Alone(Server):
    """One process that answers by itself."""

    def __init__(self, config: Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready
        self._last_moment: threading.Timer | None = None

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Run until told to end."""
        try:
            super().run(sockets)
        finally:
            if self._last_moment is not None:
                self._last_moment.cancel()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say when requests are answered. Raises Unavailable."""
        try:
            await super().startup(sockets)
        except SystemExit as error:  # with a code that means something else here
            raise _not_started(_("The backend does not start.")) from error
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish the requests under way; one that hangs is cut off."""
        self._last_moment = _later(_END_WITHIN, self._cut_off)
        await super().shutdown(sockets)

    def _cut_off(self) -> None:
        logger.error("requests under way did not end: they are cut off")
        os._exit(130 if signal.SIGINT in self._captured_signals else 0)


class Many(Multiprocess):
    """Several worker processes over one socket: one that dies is replaced, SIGHUP replaces all, one by one."""

    def __init__(self, config: Config, sockets: list[socket.socket], ready: Callable[[], None]) -> None:
        super().__init__(config, sockets)
        self._ready = ready
        self._interrupted = False
        self._asked_to_end = False

    def run(self) -> None:
        """Run until told to end. Raises KeyboardInterrupt after Ctrl-C, Unavailable when workers do not start."""
        super().run()
        if self._interrupted:
            raise KeyboardInterrupt
        if not self._asked_to_end:
            raise _not_started(_("The backend's worker processes do not start."))

    def init_processes(self) -> None:
        """Start the workers and say when all of them answer."""
        super().init_processes()
        deadline = time.monotonic() + _START_WITHIN
        while not self.should_exit.is_set() and time.monotonic() < deadline:
            if all(process.process.is_alive() and process.is_ready(timeout=1) for process in self.processes):
                self._ready()
                return
            if not all(process.process.is_alive() for process in self.processes):
                return  # the main loop finds out why
            self.handle_signals()
            time.sleep(0.02)

    def terminate_all(self) -> None:
        """Let nobody new in and the workers finish their requests; one that hangs is killed."""
        for listener in self.sockets:
            listener.close()
        super().terminate_all()
        _later(_END_WITHIN, self._kill_the_rest)

    def _kill_the_rest(self) -> None:
        for process in self.processes:
            if process.process.is_alive():
                logger.error("worker %s did not end: it is killed", process.pid)
                process.process.kill()

    def handle_int(self) -> None:
        """Ctrl-C."""
        self._interrupted = True
        super().handle_int()

    def handle_term(self) -> None:
        """The system asks us to end."""
        self._asked_to_end = True
        super().handle_term()


def _later(seconds: float, act: Callable[[], None]) -> threading.Timer:
    timer = threading.Timer(seconds, act)
    timer.daemon = True
    timer.start()
    return timer


def _not_started(what: str) -> Unavailable:
    return Unavailable(what, why=_("The reason stands in api.log."), hint="chatai logs errors")
