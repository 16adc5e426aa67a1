"""The server of the API: checks the key, plays the faults, answers, counts."""

import asyncio
import math
import uuid
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from chatai_core.simulators.bell import Bell
from chatai_core.simulators.faults import Fault, Faults
from chatai_core.simulators.loopback import Handler, LocalServer, cut, json_response
from chatai_core.simulators.openai import control, embeddings, failures, replies
from chatai_core.simulators.openai.exchange import Call, Exchange
from chatai_core.simulators.openai.failures import Failure
from chatai_core.simulators.openai.keys import Keyring, duration
from chatai_core.simulators.openai.streaming import send_stream
from chatai_core.simulators.openai.trouble import FAILURES, FAULTS, IN_THE_ANSWER

MODELS = (
    "gpt-3.5-turbo",
    "gpt-4",
    "gpt-4-turbo",
    "gpt-4.1",
    "gpt-4.1-mini",
    "gpt-4.1-nano",
    "gpt-4o",
    "gpt-4o-mini",
    "gpt-5",
    "gpt-5-mini",
    "o4-mini",
    "text-embedding-3-large",
    "text-embedding-3-small",
    "text-embedding-ada-002",
)

_KEPT_CALLS = 5000
_HANG_SECONDS = 3600
_FIRST_MODEL_CREATED = 1_700_000_000

Work = Callable[[Exchange], Awaitable[web.StreamResponse]]


class OpenAI:
    """OpenAI's API on a port of this machine; with ``any_key`` every key is accepted."""

    def __init__(self, *, any_key: bool = False, models: tuple[str, ...] = MODELS) -> None:
        self.keyring = Keyring(any_key=any_key)
        self.models = set(models)
        self.faults = Faults(FAULTS, {"key", "model", "organization", "path"})
        self.calls: deque[Call] = deque(maxlen=_KEPT_CALLS)
        self.called = Bell()
        self.in_flight = 0
        self._count = 0
        self._server = LocalServer()
        self._add_routes()

    @property
    def url(self) -> str:
        """The base address for a client, with /v1."""
        return f"{self._server.url}/v1"

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> None:
        """Listen; afterwards ``url`` is the address. Raises Busy when the port is taken."""
        await self._server.start(port, host)

    async def stop(self) -> None:
        """Close the port and every connection."""
        await self._server.stop()

    def _add_routes(self) -> None:
        router = self._server.app.router
        router.add_post("/v1/chat/completions", self._serving("chat/completions", self._complete))
        router.add_post("/v1/embeddings", self._serving("embeddings", self._embed))
        router.add_get("/v1/models", self._serving("models", self._list_models))
        router.add_get("/v1/models/{model}", self._serving("models", self._show_model))
        self.faults.routes(self._server.app)
        control.add_routes(self._server.app, self)
        router.add_route("*", "/{rest:.*}", _not_found)

    def _serving(self, path: str, work: Work) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            exchange = Exchange(request, path)
            self.in_flight += 1
            self.called.ring()
            try:
                return await self._answer(exchange, work)
            except asyncio.CancelledError:
                exchange.status = 499  # the client left before the end
                raise
            finally:
                self.in_flight -= 1
                self._remember(exchange)

        return answer

    async def _answer(self, exchange: Exchange, work: Work) -> web.StreamResponse:
        try:
            exchange.key = self.keyring.find(exchange.request.headers.get("Authorization", ""))
            exchange.body = await _body(exchange.request)
            exchange.model = str(exchange.body.get("model") or exchange.request.match_info.get("model", ""))
            exchange.fault = await self._suffer(exchange)
            return await work(exchange)
        except Failure as failure:
            exchange.status = failure.status
            headers = self._headers(exchange) | _patience(failure)
            return json_response(failure.body(), status=failure.status, headers=headers)

    async def _suffer(self, exchange: Exchange) -> Fault | None:
        """Play the next fault of this call; one that concerns the answer is returned."""
        assert exchange.key is not None, "faults come after the key"
        facts = {"key": exchange.key.text, "organization": exchange.key.organization}
        for fault in self.faults.striking(model=exchange.model, path=exchange.path, **facts):
            exchange.suffered = fault.kind
            if fault.kind == "slow":
                await asyncio.sleep(fault.seconds)
            elif fault.kind == "hang":
                await asyncio.sleep(_HANG_SECONDS)
            elif fault.kind in IN_THE_ANSWER:
                return fault
            else:
                raise FAILURES[fault.kind](exchange, fault)
        return None

    async def _complete(self, exchange: Exchange) -> web.StreamResponse:
        messages = replies.checked_messages(exchange.body)
        exchange.note(messages)
        self._check_model(exchange)
        with_usage = replies.wants_usage(exchange.body)
        reply = replies.reply_to(exchange.model, messages, replies.most_tokens(exchange.body))
        self.keyring.admit(exchange.known_key, exchange.model, reply.prompt_tokens + reply.completion_tokens)
        exchange.charge(reply.prompt_tokens, reply.completion_tokens)
        if exchange.body.get("stream"):
            return await send_stream(exchange, reply.pieces(with_usage=with_usage), self._headers(exchange))
        return self._whole(exchange, reply.whole())

    async def _embed(self, exchange: Exchange) -> web.StreamResponse:
        self._check_model(exchange)
        content = embeddings.answer(exchange.model, exchange.body)
        tokens = content["usage"]["prompt_tokens"]
        self.keyring.admit(exchange.known_key, exchange.model, tokens)
        exchange.charge(tokens, 0)
        return self._whole(exchange, content)

    async def _list_models(self, exchange: Exchange) -> web.StreamResponse:
        allowed = exchange.known_key.models or self.models
        listed = [_model(name) for name in sorted(self.models & allowed)]
        return self._whole(exchange, {"object": "list", "data": listed})

    async def _show_model(self, exchange: Exchange) -> web.StreamResponse:
        self._check_model(exchange)
        return self._whole(exchange, _model(exchange.model))

    def _check_model(self, exchange: Exchange) -> None:
        if not exchange.model:
            raise failures.bad_request("you must provide a model parameter")
        if exchange.model not in self.models:
            raise failures.no_model(exchange.model)
        key = exchange.known_key
        if key.models and exchange.model not in key.models:
            raise failures.no_access(key.project, exchange.model)

    def _whole(self, exchange: Exchange, content: object) -> web.Response:
        body = msgspec.json.encode(content)
        kind = exchange.fault.kind if exchange.fault else ""
        if kind == "cut":
            return cut(exchange.request)
        if kind == "broken_json":
            body = body[: len(body) // 2]
        return json_response(body, headers=self._headers(exchange))

    def _headers(self, exchange: Exchange) -> dict[str, str]:
        told = {
            "x-request-id": exchange.request_id,
            "openai-version": "2020-10-01",
            "openai-processing-ms": str(exchange.milliseconds),
        }
        if exchange.key is not None and exchange.path != "models" and exchange.status not in {401, 403}:
            told |= self.keyring.headers(exchange.key, exchange.model)
        return told

    def _remember(self, exchange: Exchange) -> None:
        self._count += 1
        self.calls.append(exchange.call(self._count))
        if exchange.key is not None:
            exchange.key.count(exchange.model, exchange.status, exchange.prompt_tokens, exchange.completion_tokens)
        self.called.ring()


def _patience(failure: Failure) -> dict[str, str]:
    """The headers that ask to come back later."""
    if failure.wait <= 0:
        return {}
    told = {"retry-after": str(math.ceil(failure.wait)), "retry-after-ms": str(round(failure.wait * 1000))}
    if failure.code == "rate_limit_exceeded":
        told |= {f"x-ratelimit-remaining-{failure.kind}": "0"}
        told |= {f"x-ratelimit-reset-{failure.kind}": duration(failure.wait)}
    return told


async def _body(request: web.Request) -> dict[str, Any]:
    if not request.can_read_body:
        return {}
    try:
        return msgspec.json.decode(await request.read(), type=dict[str, Any])
    except msgspec.MsgspecError as error:
        message = "We could not parse the JSON body of your request."
        raise failures.bad_request(message) from error


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": _FIRST_MODEL_CREATED, "owned_by": "system"}


async def _not_found(request: web.Request) -> web.Response:
    message = f"Invalid URL ({request.method} {request.path})"
    return json_response(Failure(404, message).body(), status=404, headers={"x-request-id": f"req_{uuid.uuid4().hex}"})
