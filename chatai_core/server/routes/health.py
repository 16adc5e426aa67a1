"""Whether the backend works: for people and load balancers."""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from chatai_core import migrations
from chatai_core.adapters.postgres import Database
from chatai_core.errors import ChataiError
from chatai_core.findings import Survey
from chatai_core.health import components, survey
from chatai_core.i18n import _
from chatai_core.installation import Installation
from chatai_core.server.deps import Chatai

logger = logging.getLogger("api.health")
router = APIRouter(tags=["health"])


class Asking:
    """Asks once however many want to know at the same moment: a storm of probes costs one."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._under_way: asyncio.Task[Survey] | None = None
        self._last: dict[str, str] = {}

    async def __call__(self) -> Survey:
        """The findings of the components."""
        if self._under_way is None or self._under_way.done():
            ask = run_in_threadpool(survey.run, self._installation, components.ALL)
            self._under_way = asyncio.create_task(ask)
        found = await asyncio.shield(self._under_way)
        self._tell(found)
        return found

    def _tell(self, found: Survey) -> None:
        """Write what has changed to api.log, with the reasons that are not for the public."""
        for finding in found.checks:
            if self._last.get(finding.name, "ok") != finding.status:
                level = logging.INFO if finding.status == "ok" else logging.ERROR
                reason = finding.evidence.get("reason") or finding.summary or _("it works again")
                logger.log(level, "component %s is %s: %s", finding.name, finding.status, reason)
            self._last[finding.name] = finding.status


@router.head("/health", include_in_schema=False)
@router.get("/health")
async def health(request: Request) -> JSONResponse:
    """Whether database, Redis and token pool work; 503 when one of them does not."""
    found: Survey = await request.app.state.asking()
    healthy = found.status == "ok"
    body = {
        "status": "healthy" if healthy else "unhealthy",
        "timestamp": time.time(),
        "components": {finding.name: _component(finding.status, finding.summary) for finding in found.checks},
    }
    return JSONResponse(body, status_code=200 if healthy else 503)


@router.head("/livez", include_in_schema=False)
@router.get("/livez")
async def livez() -> Mapping[str, str]:
    """Whether this process answers at all; restart it when not."""
    return {"status": "ok"}


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz")
def readyz(chatai: Chatai) -> JSONResponse:
    """Whether requests can be sent here: the database answers and its schema is this version's."""
    own = Database(chatai.database_url, connect_timeout=2)
    try:
        reason = "" if migrations.current(own).is_head else _("The database's schema is of another version.")
    except ChataiError as error:
        reason = type(error)().what
    finally:
        own.close()
    body = {"status": "unavailable", "error": reason} if reason else {"status": "ok"}
    return JSONResponse(body, status_code=503 if reason else 200)


def _component(status: str, summary: str) -> dict[str, Any]:
    return {"status": "healthy"} if status == "ok" else {"status": "unhealthy", "error": summary}
