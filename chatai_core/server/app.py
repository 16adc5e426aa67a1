"""The backend's application: its layers, its routes, what it opens and closes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.telemetry import TelemetryConfig
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from chatai_core import __version__
from chatai_core.accounts import limits
from chatai_core.installation import Installation
from chatai_core.server import addresses, database_metrics, documentation, errors
from chatai_core.server.csrf import Csrf
from chatai_core.server.edge import Edge
from chatai_core.server.kept import Kept
from chatai_core.server.metrics import Metrics
from chatai_core.server.routes import ALL as ROUTERS
from chatai_core.server.routes.health import Asking
from chatai_core.server.routes.metrics import keep_measuring
from chatai_core.settings import Server

_QUIET: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}


class Api(FastAPI):
    """FastAPI with our edge around everything that it adds itself."""

    def build_middleware_stack(self) -> ASGIApp:
        """The layers, the outermost last: nothing is answered without the edge."""
        return Edge(super().build_middleware_stack(), client=self.state.client, count=self.state.metrics.count)


def create(installation: Installation | None = None, *, owned: bool = False, shared_metrics: Path | None = None) -> Api:
    """The application over an installation, or over that of the environment; one that is ``owned`` is closed with it.

    ``shared_metrics`` is where several workers keep their numbers. Raises Misconfigured.
    """
    chatai = installation or Installation(pooled=True)
    # Made by one thread now: later many would make them at the same moment.
    for part in (chatai.orm, chatai.database, chatai.redis, chatai.cipher, chatai.secret_key, chatai.internal_key):
        assert part is not None
    api = Api(
        title="ChatAI",
        version=__version__,
        lifespan=_lifespan,
        middleware=_layers(chatai),
        max_body_size=chatai.settings.server.body_limit,
        telemetry=_QUIET,
        docs_url=None,
        redoc_url=None,
    )
    api.state.installation = chatai
    api.state.owned = owned or installation is None
    api.state.client = addresses.reader(addresses.networks(chatai.settings.server.trusted_proxies))
    api.state.metrics = Metrics(shared_metrics)
    api.state.limiter = limits.Limiter(lambda: chatai.redis)
    api.state.asking = Asking(chatai)
    api.state.database_size = Kept(lambda: database_metrics.measure(chatai))
    errors.install(api)
    documentation.install(api)
    for router in ROUTERS:
        api.include_router(router)
    return api


@asynccontextmanager
async def _lifespan(api: FastAPI) -> AsyncIterator[None]:
    chatai: Installation = api.state.installation
    measuring = asyncio.create_task(keep_measuring(api.state.metrics, chatai)) if api.state.metrics.shared else None
    try:
        yield
    finally:
        if measuring is not None:
            measuring.cancel()
        if api.state.owned:
            chatai.close()


def _layers(chatai: Installation) -> list[Middleware]:
    settings: Server = chatai.settings.server
    origins = [origin.strip().rstrip("/") for origin in settings.cors_origins.split(",") if origin.strip()]
    layers = []
    if origins:
        layers.append(
            Middleware(
                CORSMiddleware,
                allow_origins=origins,
                allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
                allow_headers=["Authorization", "Content-Type", "X-CSRF-Token", "X-Request-ID"],
                expose_headers=["X-Request-ID", "X-RateLimit-Limit", "X-RateLimit-Remaining", "Retry-After"],
                allow_credentials="*" not in origins,
            )
        )
    if settings.csrf:
        layers.append(Middleware(Csrf, key=chatai.secret_key, origins=origins))
    return layers
