"""A TCP port in front of a server, which can be closed, or fall silent, and come back."""

import contextlib
import socket
import threading
from pathlib import Path


class Gate:
    """Forwards a port of the loopback to a server's socket, while it is open."""

    def __init__(self, behind: Path | tuple[str, int]) -> None:
        """``behind`` is the server's Unix socket, or its host and port."""
        self._behind = behind
        self._through: list[socket.socket] = []
        self._silent = False
        self._listener = _listening(0)
        self.port: int = self._listener.getsockname()[1]
        self._serve()

    def close(self) -> None:
        """Refuse connections and end those there are, as a server that is stopped."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        self._end_all()

    def open(self) -> None:
        """Let everybody through again."""
        self._silent = False
        self._end_all()
        if self._listener.fileno() == -1:
            self._listener = _listening(self.port)
            self._serve()

    def fall_silent(self) -> None:
        """Accept connections and say nothing, as a server that hangs."""
        self._silent = True
        self._end_all()

    def _serve(self) -> None:
        self._thread = threading.Thread(target=self._accept, args=(self._listener,), daemon=True)
        self._thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                ours, _address = listener.accept()
            except OSError:
                return
            self._through.append(ours)
            if not self._silent:
                theirs = self._connected()
                self._through.append(theirs)
                for source, target in ((ours, theirs), (theirs, ours)):
                    threading.Thread(target=_forward, args=(source, target), daemon=True).start()

    def _connected(self) -> socket.socket:
        if isinstance(self._behind, Path):
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(str(self._behind))
            return connection
        return socket.create_connection(self._behind)

    def _end_all(self) -> None:
        while self._through:
            connection = self._through.pop()
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()


def _listening(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()
    return listener


def _forward(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for connection in (source, target):
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
