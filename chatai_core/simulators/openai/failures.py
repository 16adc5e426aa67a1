"""The errors of the API: statuses, bodies and words as OpenAI sends them."""

import msgspec


class Failure(Exception):
    """An error answer; ``kind`` and ``code`` are the body's ``type`` and ``code``, ``wait`` seconds to the next try."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "",
        code: str | None = None,
        param: str | None = None,
        wait: float = 0,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind or "invalid_request_error"
        self.code = code
        self.param = param
        self.wait = wait

    def body(self) -> bytes:
        """The JSON that the caller receives."""
        error = {"message": str(self), "type": self.kind, "param": self.param, "code": self.code}
        return msgspec.json.encode({"error": error})


def no_key() -> Failure:
    """No key was sent."""
    return Failure(
        401,
        "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth"
        " (i.e. Authorization: Bearer YOUR_KEY). You can obtain an API key from"
        " https://platform.openai.com/account/api-keys.",
    )


def wrong_key(key: str) -> Failure:
    """Nobody has this key."""
    masked = f"{key[:8]}{'*' * max(len(key) - 12, 3)}{key[-4:]}" if len(key) > 12 else "*" * len(key)
    where = "You can find your API key at https://platform.openai.com/account/api-keys."
    return Failure(401, f"Incorrect API key provided: {masked}. {where}", code="invalid_api_key")


def no_access(project: str, model: str) -> Failure:
    """The key's project must not use the model."""
    return Failure(403, f"Project `{project}` does not have access to model `{model}`", code="model_not_found")


def no_model(model: str) -> Failure:
    """There is no such model."""
    message = f"The model `{model}` does not exist or you do not have access to it."
    return Failure(404, message, code="model_not_found")


def missing(param: str) -> Failure:
    """A field that must be there is not."""
    message = f"Missing required parameter: '{param}'."
    return Failure(400, message, code="missing_required_parameter", param=param)


def bad_request(message: str, param: str | None = None, code: str | None = None) -> Failure:
    """The request is wrong."""
    return Failure(400, message, param=param, code=code)


def rate_limited(model: str, organization: str, what: str, limit: int, wait: float) -> Failure:
    """Too much in this minute; ``what`` is requests or tokens."""
    name = {"requests": "requests per min (RPM)", "tokens": "tokens per min (TPM)"}[what]
    message = (
        f"Rate limit reached for {model} in organization {organization} on {name}: Limit {limit}, Used {limit},"
        f" Requested 1. Please try again in {wait:.3g}s. Visit https://platform.openai.com/account/rate-limits to"
        " learn more."
    )
    return Failure(429, message, kind=what, code="rate_limit_exceeded", wait=wait)


def no_quota() -> Failure:
    """The money is spent."""
    message = (
        "You exceeded your current quota, please check your plan and billing details. For more information on this"
        " error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors."
    )
    return Failure(429, message, kind="insufficient_quota", code="insufficient_quota")


def broken_server(status: int) -> Failure:
    """The fault is OpenAI's."""
    if status == 503:
        message = (
            "The server is currently overloaded with other requests. Sorry about that! You can retry your request."
        )
        return Failure(status, message, kind="server_error", code="service_unavailable")
    message = "The server had an error while processing your request. Sorry about that!"
    return Failure(status, message, kind="server_error")
