"""Snapshots made older than they are: what a test cannot wait for."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import zstandard


def files_in(directory: Path) -> list[Path]:
    """The snapshots below a directory, the oldest first."""
    return sorted(directory.rglob("*.json.zst"))


def aged(directory: Path, by: timedelta, *, scans: int | None = None) -> None:
    """Let every snapshot below the directory have been taken that much earlier, with this count of every index."""
    for file in files_in(directory):
        content = msgspec.json.decode(zstandard.decompress(file.read_bytes()))
        file.unlink()
        for name in ("taken_at", "counters_since"):
            content[name] = _earlier(content[name], by)
        for counter in content["indexes"].values():
            counter[1] = counter[1] if scans is None else scans
            counter[2:4] = [_earlier(moment, by) for moment in counter[2:4]]
        taken = datetime.fromisoformat(content["taken_at"])
        file.with_name(f"{taken:%Y%m%dT%H%M%SZ}.json.zst").write_bytes(zstandard.compress(msgspec.json.encode(content)))


def _earlier(moment: Any, by: timedelta) -> str:
    return (datetime.fromisoformat(moment) - by).isoformat()
