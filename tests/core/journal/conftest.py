import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatai_core import journal


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A directory for logs; the journal that a test opens there is closed after it."""
    levels = {name: logging.getLogger(name).level for name in ("", "audit", "httpx", "uvicorn.access")}
    yield tmp_path / "logs"
    journal.close()
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    logging.getLogger("uvicorn.access").propagate = True
