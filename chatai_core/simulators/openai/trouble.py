"""The kinds of fault that can be set, and the error each one answers with."""

from collections.abc import Callable

from chatai_core.simulators.faults import Fault
from chatai_core.simulators.openai import failures
from chatai_core.simulators.openai.exchange import Exchange
from chatai_core.simulators.openai.failures import Failure

IN_THE_ANSWER = frozenset({"cut", "broken_json", "stall"})


def _rate_limit(exchange: Exchange, fault: Fault) -> Failure:
    key = exchange.known_key
    limit = key.requests_per_minute
    return failures.rate_limited(exchange.model, key.organization, "requests", limit, fault.seconds)


def _error(exchange: Exchange, fault: Fault) -> Failure:
    return failures.broken_server(fault.status)


FAILURES: dict[str, Callable[[Exchange, Fault], Failure]] = {
    "rate_limit": _rate_limit,
    "insufficient_quota": lambda exchange, fault: failures.no_quota(),
    "invalid_api_key": lambda exchange, fault: failures.wrong_key(exchange.known_key.text),
    "forbidden": lambda exchange, fault: failures.no_access(exchange.known_key.project, exchange.model),
    "model_not_found": lambda exchange, fault: failures.no_model(exchange.model),
    "bad_request": lambda exchange, fault: failures.bad_request("Invalid request.", code="invalid_request"),
    "error": _error,
    "unavailable": lambda exchange, fault: failures.broken_server(503),
}
FAULTS = IN_THE_ANSWER | frozenset({"slow", "hang"}) | frozenset(FAILURES)
