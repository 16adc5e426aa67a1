"""A backend whose workers cannot start: run by test_supervision.py."""

import sys

from uvicorn import Config
from uvicorn.config import STARTUP_FAILURE

from chatai_core.errors import ChataiError
from chatai_core.server import listening, supervision


def create() -> None:
    """What a worker calls."""
    sys.exit(STARTUP_FAILURE)


def main() -> int:
    """Start two of them."""
    config = Config(create, factory=True, workers=2, log_config=None)
    with listening.listen("127.0.0.1", 0) as listener:
        try:
            supervision.Many(config, [listener], lambda: print("ready")).run()
        except ChataiError as error:
            print(error.what, error.why, error.hint, sep="\n")
            return 69
    return 0


if __name__ == "__main__":
    sys.exit(main())
