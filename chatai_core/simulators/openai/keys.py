"""Keys, the organizations that share their limits, and the headers that tell what is left.

As with OpenAI, requests and tokens per minute belong to an organization and a model: keys of one organization do not
add up.
"""

import time
from collections import Counter
from dataclasses import dataclass

import msgspec

from chatai_core.simulators.openai import failures


class NewKey(msgspec.Struct, forbid_unknown_fields=True):
    """A key to register; limits count per minute, for the whole organization and each model; no models means all."""

    key: str
    organization: str = ""
    project: str = "proj_simulator"
    requests_per_minute: int = 1_000_000
    tokens_per_minute: int = 1_000_000_000
    models: list[str] = []


@dataclass(slots=True)
class Key:
    """A key that works, and what was done with it."""

    text: str
    organization: str
    project: str
    requests_per_minute: int
    tokens_per_minute: int
    models: frozenset[str]
    statuses: Counter[tuple[str, int]]
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def count(self, model: str, status: int, prompt_tokens: int, completion_tokens: int) -> None:
        """Count one answered request."""
        self.statuses[model, status] += 1
        self.prompt_tokens += prompt_tokens
        self.completion_tokens += completion_tokens


class Allowance:
    """Something per minute, refilled evenly."""

    def __init__(self, per_minute: int) -> None:
        self.limit = per_minute
        self._left, self._at = float(per_minute), time.monotonic()

    @property
    def left(self) -> float:
        """What may be used right now."""
        now = time.monotonic()
        self._left = min(self.limit, self._left + (now - self._at) * self.limit / 60)
        self._at = now
        return self._left

    @property
    def seconds_to_full(self) -> float:
        """When nothing will be missing any more."""
        return (self.limit - self.left) * 60 / self.limit

    def seconds_to(self, amount: float) -> float:
        """How long to wait for so much; 0 when it is there, and what can never be there counts as the whole."""
        missing = min(amount, self.limit) - self.left
        return max(missing, 0.0) * 60 / self.limit

    def use(self, amount: float) -> None:
        """Take so much, even into debt."""
        self._left = self.left - amount


class Keyring:
    """All keys; with ``any_key`` an unknown one is registered when it is first used."""

    def __init__(self, *, any_key: bool) -> None:
        self.any_key = any_key
        self.keys: dict[str, Key] = {}
        self._allowances: dict[tuple[str, str, str], Allowance] = {}

    def add(self, new: NewKey) -> Key:
        """Register a key, or change it; its organization's counting begins anew."""
        organization = new.organization or f"org-{len(self.keys) + 1}"
        known = self.keys.get(new.key)
        key = Key(
            text=new.key,
            organization=organization,
            project=new.project,
            requests_per_minute=max(new.requests_per_minute, 1),
            tokens_per_minute=max(new.tokens_per_minute, 1),
            models=frozenset(new.models),
            statuses=known.statuses if known else Counter(),
        )
        self.keys[new.key] = key
        self._allowances = {at: left for at, left in self._allowances.items() if at[0] != organization}
        return key

    def find(self, authorization: str) -> Key:
        """The key of the header; none or an unknown one is a 401 failure."""
        scheme, _, text = authorization.partition(" ")
        if scheme.lower() != "bearer" or not text:
            raise failures.no_key()
        key = self.keys.get(text)
        if key is None and not self.any_key:
            raise failures.wrong_key(text)
        return key or self.add(NewKey(key=text))

    def admit(self, key: Key, model: str, tokens: int) -> None:
        """Count a request of so many tokens; too many is a 429 failure that says how long to wait."""
        for what, amount in (("requests", 1), ("tokens", tokens)):
            allowance = self._allowance(key, model, what)
            wait = allowance.seconds_to(amount)
            if wait > 0.001:
                raise failures.rate_limited(model, key.organization, what, allowance.limit, wait)
        self._allowance(key, model, "requests").use(1)
        self._allowance(key, model, "tokens").use(tokens)

    def headers(self, key: Key, model: str) -> dict[str, str]:
        """The limits and what is left of them, in OpenAI's headers."""
        told = {"openai-organization": key.organization, "openai-project": key.project}
        for what in ("requests", "tokens"):
            allowance = self._allowance(key, model, what)
            told[f"x-ratelimit-limit-{what}"] = str(allowance.limit)
            told[f"x-ratelimit-remaining-{what}"] = str(max(int(allowance.left), 0))
            told[f"x-ratelimit-reset-{what}"] = duration(allowance.seconds_to_full)
        return told

    def _allowance(self, key: Key, model: str, what: str) -> Allowance:
        at = (key.organization, model, what)
        if at not in self._allowances:
            limit = key.requests_per_minute if what == "requests" else key.tokens_per_minute
            self._allowances[at] = Allowance(limit)
        return self._allowances[at]


def duration(seconds: float) -> str:
    """A duration as OpenAI writes it.

    >>> duration(0.02), duration(1), duration(8.64), duration(360), duration(3661.5)
    ('20ms', '1s', '8.64s', '6m0s', '1h1m1.5s')
    """
    if round(seconds * 1000) < 1000:
        return f"{round(seconds * 1000)}ms"
    minutes, rest = divmod(round(seconds, 3), 60)
    hours, minutes = divmod(int(minutes), 60)
    text = f"{rest:.3f}".rstrip("0").rstrip(".") + "s"
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + text
