"""Numbers for Prometheus."""

import asyncio

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from chatai_core.errors import ChataiError
from chatai_core.installation import Installation
from chatai_core.server import database_metrics
from chatai_core.server.deps import Chatai
from chatai_core.server.kept import Kept
from chatai_core.server.metrics import CONTENT_TYPE, Metrics

router = APIRouter(tags=["metrics"])

_MEASURE_EVERY = 5.0  # seconds


@router.get("/metrics", response_class=Response)
def metrics(request: Request, chatai: Chatai) -> Response:
    """Requests, their durations, the connection pool, Redis and the processes, of all workers together."""
    numbers: Metrics = request.app.state.metrics
    measure(numbers, chatai)
    return Response(numbers.text(), media_type=CONTENT_TYPE)


@router.get("/metrics/db-size", response_class=Response)
def database_size(request: Request) -> Response:
    """The database's size, tables, disk and health, at most a minute old; 503 when they cannot be found out."""
    kept: Kept[database_metrics.Measured] = request.app.state.database_size
    return Response(database_metrics.text(kept()), media_type=CONTENT_TYPE)


def measure(numbers: Metrics, chatai: Installation) -> None:
    """Set the gauges to what is true now."""
    pool = chatai.orm.pool
    try:
        chatai.redis.ping()
        redis = True
    except ChataiError:
        redis = False
    numbers.state(checked_out=pool.checkedout(), size=pool.size(), overflow=pool.overflow(), redis=redis)


async def keep_measuring(numbers: Metrics, chatai: Installation) -> None:
    """Set the gauges again and again: it is one worker that is asked, and it adds up what the others have set."""
    while True:
        await run_in_threadpool(measure, numbers, chatai)
        await asyncio.sleep(_MEASURE_EVERY)
