"""One of several worker processes: an installation and a journal of its own, and no life after its parent's."""

import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from uvicorn.config import STARTUP_FAILURE

from chatai_core import journal
from chatai_core.errors import ChataiError
from chatai_core.installation import Installation

if TYPE_CHECKING:
    from chatai_core.server.app import Api

logger = logging.getLogger("api.worker")


def create(overrides: Mapping[str, str], shared_metrics: Path) -> "Api":
    """The application of this worker, over an installation that these settings describe."""
    from chatai_core.server import app  # the parent, which passes this function on, does not need it

    _end_with_parent()
    chatai = Installation(overrides, pooled=True)
    settings = chatai.settings
    journal.open(settings.log_dir, service="backend", level=settings.journal.level, format=settings.journal.format)
    try:
        return app.create(chatai, owned=True, shared_metrics=shared_metrics)
    except ChataiError as error:
        logger.error("a worker of the backend cannot start: %s", error)
        sys.exit(STARTUP_FAILURE)  # any other code would have it started again and again


def _end_with_parent() -> None:
    """Finish the requests under way and end, when the process that started this one is gone, however it went."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()
