"""Run both simulators in the foreground: ``python -m chatai_core.simulators``."""

import argparse
import asyncio
import json
import signal
import sys

from chatai_core import errors
from chatai_core.i18n import _
from chatai_core.simulators import pair

_BUSY = 75
_UNAVAILABLE = 69


def main() -> int:
    """Serve until SIGTERM or SIGINT; the addresses are printed as one line of JSON."""
    asked = _parser().parse_args()
    try:
        pair.run_loop(_serve(asked))
    except errors.ChataiError as error:
        sys.stderr.write(f"{error.what}\n{error.why}\n{error.hint}\n")
        return _BUSY if isinstance(error, errors.Busy) else _UNAVAILABLE
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m chatai_core.simulators", description=_("Telegram and OpenAI, offline."))
    parser.add_argument("--telegram-port", type=int, default=0, help=_("port of the Bot API, 0: a free one"))
    parser.add_argument("--openai-port", type=int, default=0, help=_("port of the OpenAI API, 0: a free one"))
    parser.add_argument("--host", default="127.0.0.1", help=_("address to listen on"))
    parser.add_argument("--any-key", action="store_true", help=_("OpenAI accepts every key"))
    return parser


async def _serve(asked: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    ports = {"telegram_port": asked.telegram_port, "openai_port": asked.openai_port}
    async with pair.serving(any_key=asked.any_key, host=asked.host, **ports) as serving:
        sys.stdout.write(json.dumps({"telegram": serving.telegram_url, "openai": serving.openai_url}) + "\n")
        sys.stdout.flush()
        await stopped.wait()


if __name__ == "__main__":
    sys.exit(main())
