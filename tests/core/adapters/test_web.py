import asyncio
from datetime import UTC, datetime

import pytest

from chatai_core.adapters import http
from chatai_core.adapters.web import Answer, Request, Route, serving
from chatai_core.errors import Busy, CannotCreate


def test_an_answer_is_json_or_text_and_headers_are_found_in_any_case() -> None:
    async def show(request: Request) -> Answer:
        return Answer({"id": request.parameters["id"], "key": request.headers.get("x-key"), "at": datetime.now(UTC)})

    async def metrics(request: Request) -> Answer:
        return Answer('"text"', 202, "application/json")

    async def run() -> None:
        routes = [Route("GET", "/bots/{id}", show), Route("POST", "/metrics", metrics)]
        async with serving(routes, host="127.0.0.1", port=0) as port:
            with http.Client(f"http://127.0.0.1:{port}", headers={"X-KEY": "k"}) as client:
                shown = await asyncio.to_thread(client.get, "/bots/7")
                assert (shown["id"], shown["key"]) == ("7", "k")
                assert datetime.fromisoformat(shown["at"]).tzinfo is not None
                assert await asyncio.to_thread(client.post, "/metrics") == "text"

    asyncio.run(run())


def test_a_taken_port_and_an_address_of_another_machine_are_refused() -> None:
    async def twice() -> None:
        async with serving([], host="127.0.0.1", port=0) as port, serving([], host="127.0.0.1", port=port):
            pass

    async def elsewhere() -> None:
        async with serving([], host="192.0.2.1", port=0):
            pass

    with pytest.raises(Busy, match="is taken") as busy:
        asyncio.run(twice())
    assert "listens there" in busy.value.why
    with pytest.raises(CannotCreate):
        asyncio.run(elsewhere())
