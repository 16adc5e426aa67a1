"""The control interface under ``/simulator/``: keys, calls, counters."""

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from chatai_core.simulators.loopback import Nothing, Refusal, control
from chatai_core.simulators.openai.keys import Key, NewKey

if TYPE_CHECKING:
    from chatai_core.simulators.openai.server import OpenAI


class NewKeys(msgspec.Struct, forbid_unknown_fields=True):
    """Many keys at once."""

    keys: list[NewKey]


class OneKey(msgspec.Struct, forbid_unknown_fields=True):
    """A key by its text."""

    key: str


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """What can be changed while it runs; what is left out stays."""

    any_key: bool | None = None
    models: list[str] | None = None


class CallsSince(msgspec.Struct, forbid_unknown_fields=True):
    """Calls above a number; wait so many seconds until there are so many."""

    key: str = ""
    model: str = ""
    after: int = 0
    count: int = 1
    wait: float = 0


class InFlight(msgspec.Struct, forbid_unknown_fields=True):
    """Wait so many seconds until so many requests are being answered."""

    count: int = 1
    wait: float = 0


def add_routes(app: web.Application, openai: "OpenAI") -> None:
    """Serve the control interface of this simulator."""
    control_of = _Control(openai)
    app.router.add_post("/simulator/keys", control(dict[str, Any], control_of.add_keys))
    app.router.add_get("/simulator/keys", control(Nothing, control_of.list_keys))
    app.router.add_delete("/simulator/keys", control(OneKey, control_of.remove_key))
    app.router.add_get("/simulator/calls", control(CallsSince, control_of.calls))
    app.router.add_get("/simulator/in-flight", control(InFlight, control_of.in_flight))
    app.router.add_get("/simulator/counters", control(Nothing, control_of.counters))
    app.router.add_put("/simulator/settings", control(Settings, control_of.change))


class _Control:
    def __init__(self, openai: "OpenAI") -> None:
        self._openai = openai

    async def add_keys(self, request: web.Request, body: dict[str, Any]) -> object:
        asked = msgspec.convert(body, NewKeys).keys if "keys" in body else [msgspec.convert(body, NewKey)]
        shown = [_shown(self._openai.keyring.add(new)) for new in asked]
        return shown if "keys" in body else shown[0]

    async def list_keys(self, request: web.Request, nothing: Nothing) -> object:
        return [_shown(key) for key in self._openai.keyring.keys.values()]

    async def remove_key(self, request: web.Request, asked: OneKey) -> object:
        key = self._openai.keyring.keys.pop(asked.key, None)
        if key is None:
            raise Refusal(404, "this key is not registered")
        return _shown(key)

    async def calls(self, request: web.Request, asked: CallsSince) -> object:
        if asked.wait > 0:
            await self._openai.called.until(lambda: len(self._calls(asked)) >= asked.count, asked.wait)
        return self._calls(asked)

    def _calls(self, asked: CallsSince) -> list[object]:
        return [
            call
            for call in self._openai.calls
            if call.number > asked.after and asked.key in {"", call.key} and asked.model in {"", call.model}
        ]

    async def in_flight(self, request: web.Request, asked: InFlight) -> object:
        await self._openai.called.until(lambda: self._openai.in_flight >= asked.count, asked.wait)
        return {"in_flight": self._openai.in_flight}

    async def counters(self, request: web.Request, nothing: Nothing) -> object:
        by_model: Counter[str] = Counter()
        by_status: Counter[str] = Counter()
        for key in self._openai.keyring.keys.values():
            for (model, status), number in key.statuses.items():
                by_model[model] += number
                by_status[str(status)] += number
        keys = {key.text: _shown(key) for key in self._openai.keyring.keys.values()}
        return {"in_flight": self._openai.in_flight, "models": by_model, "statuses": by_status, "keys": keys}

    async def change(self, request: web.Request, settings: Settings) -> object:
        if settings.any_key is not None:
            self._openai.keyring.any_key = settings.any_key
        if settings.models is not None:
            self._openai.models = set(settings.models)
        return {"any_key": self._openai.keyring.any_key, "models": sorted(self._openai.models)}


def _shown(key: Key) -> dict[str, Any]:
    models: dict[str, dict[str, int]] = {}
    for (model, status), number in sorted(key.statuses.items()):
        models.setdefault(model, {})[str(status)] = number
    return {
        "key": key.text,
        "organization": key.organization,
        "project": key.project,
        "requests": sum(key.statuses.values()),
        "prompt_tokens": key.prompt_tokens,
        "completion_tokens": key.completion_tokens,
        "calls": models,
    }
