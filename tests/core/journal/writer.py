"""Writes numbered records until its time is over or it is killed: DIRECTORY NAME SECONDS PERIOD.

Each number is printed after its record was written.
"""

import logging
import math
import sys
import time
from pathlib import Path

from chatai_core import journal


def main(directory: str, name: str, seconds: str, period: str) -> None:
    length = float(period)
    journal.open(Path(directory), service=name, ends=lambda moment: (math.floor(moment / length) + 1) * length)
    end = time.time() + float(seconds)
    number = 0
    while time.time() < end:
        number += 1
        write(name, number)
        print(number, flush=number % 50 == 0)


def write(name: str, number: int) -> None:
    logger = logging.getLogger(f"writer.{name}")
    if number % 10:
        logger.info("record %s/%d over", name, number)
        return
    padding = "\n".join(f"line {line} {'x' * 70}" for line in range(60))
    try:
        raise ValueError(f"{padding}\ntraceback {name}/{number} over")
    except ValueError:
        logger.exception("record %s/%d over", name, number)


if __name__ == "__main__":
    main(*sys.argv[1:])
