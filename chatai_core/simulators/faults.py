"""What goes wrong on purpose: faults that are set beforehand and hit the next calls they fit."""

from collections.abc import Collection
from typing import Any

import msgspec
from aiohttp import web

from chatai_core.simulators.loopback import Nothing, Refusal, control

FOREVER = -1
SLOW = "slow"


class Fault(msgspec.Struct, forbid_unknown_fields=True):
    """One kind of trouble, for the calls that fit ``where``, a number of times (-1: until cleared).

    ``seconds`` is how slow, or how long to wait before the next try; ``status`` the HTTP status of ``error``;
    ``after`` the number of stream pieces that still arrive before a ``cut``; ``share`` hits only every n-th fitting
    call on average (0.1: each tenth), evenly spaced, so that runs repeat.
    """

    kind: str
    where: dict[str, str] = {}
    times: int = 1
    seconds: float = 1.0
    status: int = 500
    after: int = 2
    share: float = 1.0
    hits: int = 0
    fitted: int = 0

    def fits(self, facts: dict[str, str]) -> bool:
        """Whether this fault concerns a call of which these facts are known."""
        return all(facts.get(name) == value for name, value in self.where.items())

    def strikes(self) -> bool:
        """Count one fitting call and say whether it is hit."""
        self.fitted += 1
        if int(self.fitted * self.share) <= int((self.fitted - 1) * self.share):
            return False
        self.hits += 1
        return True

    @property
    def is_spent(self) -> bool:
        """Whether it has hit as often as it should."""
        return self.times != FOREVER and self.hits >= self.times


class Faults:
    """The faults that wait for their call, in the order they were set."""

    def __init__(self, kinds: Collection[str], selectors: Collection[str]) -> None:
        self._kinds = kinds
        self._selectors = selectors
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Set a fault; raises Refusal when its kind or a selector is unknown."""
        if fault.kind not in self._kinds:
            raise Refusal(400, f"unknown kind {fault.kind!r}; known: {', '.join(sorted(self._kinds))}")
        unknown = set(fault.where) - set(self._selectors)
        if unknown:
            raise Refusal(400, f"unknown in where: {sorted(unknown)}; known: {sorted(self._selectors)}")
        self._waiting.append(fault)

    def striking(self, **facts: str) -> list[Fault]:
        """The faults that hit this call, counted: those that only slow it down, then at most one that ends it."""
        if not self._waiting:
            return []
        struck = []
        for fault in self._waiting:
            if fault.fits(facts) and fault.strikes():
                struck.append(fault)
                if fault.kind != SLOW:
                    break
        self._waiting = [fault for fault in self._waiting if not fault.is_spent]
        return struck

    def clear(self, where: dict[str, str] | None = None) -> int:
        """Take back the faults with exactly these selectors, or all; say how many."""
        kept = [fault for fault in self._waiting if where is not None and fault.where != where]
        cleared = len(self._waiting) - len(kept)
        self._waiting = kept
        return cleared

    def routes(self, app: web.Application) -> None:
        """Serve ``/simulator/faults``: POST sets one, GET lists those that wait, DELETE takes them back."""

        async def post(request: web.Request, fault: Fault) -> object:
            self.add(fault)
            return {"waiting": len(self._waiting)}

        async def get(request: web.Request, nothing: Nothing) -> list[Fault]:
            return self._waiting

        async def delete(request: web.Request, chosen: dict[str, Any]) -> object:
            return {"cleared": self.clear(chosen.get("where"))}

        app.router.add_post("/simulator/faults", control(Fault, post))
        app.router.add_get("/simulator/faults", control(Nothing, get))
        app.router.add_delete("/simulator/faults", control(dict[str, Any], delete))
