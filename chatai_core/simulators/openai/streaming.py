"""The streamed answer: server-sent events, one a word, and how they break off."""

import asyncio
from collections.abc import Iterator
from typing import Any

import msgspec
from aiohttp import web

from chatai_core.simulators.loopback import cut
from chatai_core.simulators.openai.exchange import Exchange


async def send_stream(
    exchange: Exchange, pieces: Iterator[dict[str, Any]], headers: dict[str, str]
) -> web.StreamResponse:
    """Send the answer piece by piece; a fault strikes after as many content pieces as it says."""
    response = web.StreamResponse(headers=headers | {"Cache-Control": "no-cache"})
    response.content_type = "text/event-stream"
    response.charset = "utf-8"
    await response.prepare(exchange.request)
    for sent, piece in enumerate(pieces):
        event = msgspec.json.encode(piece)
        if exchange.fault is not None and sent == exchange.fault.after + 1:  # the first piece has no content
            if exchange.fault.kind == "cut":
                cut(exchange.request)
                return response
            event = await _damaged(exchange, event)
        await response.write(b"data: " + event + b"\n\n")
    await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response


async def _damaged(exchange: Exchange, event: bytes) -> bytes:
    assert exchange.fault is not None, "there is damage"
    if exchange.fault.kind == "stall":
        await asyncio.sleep(exchange.fault.seconds)
        return event
    return event[: len(event) // 2]
