"""The heads of requests: how long they may be, and how long they may take.

uvicorn's parser keeps a head until it is complete, however much comes: one client could fill the memory. The body has
its own limit, in the application.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LONGEST = 64 * 1024  # bytes; nginx passes on 32 KiB at most
PATIENCE = 30.0  # seconds from the first byte, or from the connection, to the end of a head

_REFUSAL = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: text/plain; charset=utf-8\r\ncontent-length: 31\r\nconnection: close\r\n\r\n"
    b"Request Header Fields Too Large"
)


class Bounded(HttpToolsProtocol):
    """HTTP/1.1 as uvicorn speaks it, for clients that send heads of an ordinary size in an ordinary time."""

    _pending = 0  # bytes that came and gave neither a complete head nor a part of a body
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return  # refused already; the parser may be in the middle of anything
        self._pending += len(data)
        super().data_received(data)
        if self._pending > LONGEST and not self.transport.is_closing():
            self._refuse()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._wait_for_head()

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if self.transport.is_closing():
            return  # the rest of what came with a head that was refused
        if size > LONGEST:  # it came in one piece
            self._refuse()
            return
        self._pending = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._pending = 0
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._pending = 0
        if not self.transport.is_closing():
            super().on_message_complete()

    def _refuse(self) -> None:
        self.logger.warning("A request's head is longer than %d bytes: the connection is closed.", LONGEST)
        if self._is_idle():  # else an answer is on its way, and this would be taken for a part of it
            self.transport.write(_REFUSAL)
        self.transport.close()

    def _give_up(self) -> None:
        if self._is_idle():
            self.transport.close()

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _wait_for_head(self) -> None:
        self._stop_waiting()
        self._timer = self.loop.call_later(PATIENCE, self._give_up)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
