"""Several worker processes, when they do not work."""

import subprocess
import sys
from pathlib import Path

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
