"""A call of a bot: how its parameters are read and how it fails."""

from typing import Any
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web


class Failure(Exception):
    """An answer that says no, with Telegram's code and words; ``retry_after`` in whole seconds."""

    def __init__(self, code: int, description: str, retry_after: int = 0) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.retry_after = retry_after

    def body(self) -> bytes:
        """The JSON that the caller receives."""
        content: dict[str, Any] = {"ok": False, "error_code": self.code, "description": self.description}
        if self.retry_after:
            content["parameters"] = {"retry_after": self.retry_after}
        return msgspec.json.encode(content)


def too_many(retry_after: int) -> Failure:
    """The failure that asks for patience."""
    return Failure(429, f"Too Many Requests: retry after {retry_after}", retry_after)


def bad(description: str) -> Failure:
    """The failure that blames the request."""
    return Failure(400, f"Bad Request: {description}")


class Arguments:
    """The parameters of a call, whether they came in the query, a form, multipart or JSON."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    def text(self, name: str) -> str:
        """The parameter as text, empty when it is missing."""
        value = self.values.get(name)
        if value is None:
            return ""
        return value if isinstance(value, str) else msgspec.json.encode(value).decode()

    def integer(self, name: str, default: int, low: int | None = None, high: int | None = None) -> int:
        """The parameter as a number within the bounds; what is no number counts as missing."""
        try:
            value = int(self.text(name))
        except ValueError:
            value = default
        value = value if low is None else max(value, low)
        return value if high is None else min(value, high)

    def truth(self, name: str) -> bool:
        """The parameter as a yes or no."""
        return self.text(name).lower() in {"true", "yes", "1"}

    def json(self, name: str, what: str) -> Any:
        """The parameter as JSON, None when it is missing; ``what`` names it in the failure."""
        value = self.values.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            return value
        try:
            return msgspec.json.decode(value)
        except msgspec.DecodeError as error:
            raise bad(f"can't parse {what} JSON object") from error


async def arguments_of(request: web.Request) -> Arguments:
    """Everything that the caller sent; the body wins over the query."""
    values: dict[str, Any] = dict(request.query)
    if not request.can_read_body:
        return Arguments(values)
    if request.content_type == "application/json":
        values.update(_json_object(await request.read()))
    elif request.content_type == "multipart/form-data":
        fields = await request.post()
        values.update({name: field if isinstance(field, str) else "(a file)" for name, field in fields.items()})
    else:
        values.update(parse_qsl((await request.read()).decode(errors="replace"), keep_blank_values=True))
    return Arguments(values)


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any]) if body else {}
    except msgspec.MsgspecError as error:
        raise bad("can't parse request JSON object") from error
