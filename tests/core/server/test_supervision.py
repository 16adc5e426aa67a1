"""A backend that cannot start, alone or with several worker processes."""

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fastapi import FastAPI
from uvicorn import Config

from chatai_core.errors import Unavailable
from chatai_core.server import listening, supervision

CHECKOUT = Path(__file__).parents[3]


def test_workers_that_cannot_start_end_the_backend_and_are_not_started_again() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tests.core.server.broken"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 69
    assert ended.stdout.splitlines() == [
        "The backend's worker processes do not start.",
        "The reason stands in api.log.",
        "chatai logs errors",
    ]


@asynccontextmanager
async def _broken(_app: FastAPI) -> AsyncIterator[None]:
    raise RuntimeError("as never foreseen")
    yield


def test_a_start_that_fails_is_unavailable_and_not_an_exit_code_of_uvicorns() -> None:
    server = supervision.Alone(Config(FastAPI(lifespan=_broken), log_config=None), lambda: None)
    with listening.listen("127.0.0.1", 0) as listener, pytest.raises(Unavailable, match=r"does not start.*api\.log"):
        server.run([listener])
    assert not server.started
