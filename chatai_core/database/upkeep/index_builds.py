"""What the build of a vector index needs: a graph that outgrows its memory takes many times as long."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chatai_core.adapters import files, processes
from chatai_core.adapters.postgres import Database, question
from chatai_core.units import Bytes, Percent

SHARE: Percent = 0.25  # of the memory that is available on the server's machine

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  where Linux keeps what parallel workers share
_FOUR_KIB = 4096
_LEAST = 1 << 20
# pgvector's defaults: https://github.com/pgvector/pgvector#indexing
_M, _LISTS = 16, 100


@dataclass(frozen=True, slots=True)
class Needs:
    """What one build asks for; ``memory`` is an estimate from above."""

    memory: Bytes
    granted: Bytes
    workers: int

    @property
    def settings(self) -> dict[str, str]:
        """The session's settings that grant it."""
        return {
            "maintenance_work_mem": f"{self.granted // 1024}kB",
            "max_parallel_maintenance_workers": str(self.workers),
        }

    @property
    def suffices(self) -> bool:
        """Whether it is granted what it needs."""
        return self.granted >= self.memory


@dataclass(frozen=True, slots=True)
class Server:
    """What builds get in a session, and how much of it one may have."""

    memory: Bytes
    shared_buffers: Bytes
    workers: int
    workers_of_all: int

    def grants(self, memory: Bytes, *, is_local: bool) -> Needs:
        """What a build that needs so much memory gets: never less than unasked, never more than is there to give.

        Of another machine's memory all we know is what its administrator gave PostgreSQL to share.
        """
        most = int(processes.memory_available() * SHARE) if is_local else self.shared_buffers
        granted = max(self.memory, min(max(memory, _LEAST), most)) // _FOUR_KIB * _FOUR_KIB
        workers = max(self.workers, self.workers_of_all // 2)
        if is_local:
            workers = min(workers, max((os.cpu_count() or 1) - 1, 1))
            room = files.room(_SHARED_MEMORY)
            if room is not None and room[0] < min(memory, granted):  # as in a container: the build would fail
                workers = 0
        return Needs(memory, granted, workers)


def server(database: Database) -> Server:
    """What builds get at this server."""
    return database.rows(Server, question(__file__))[0]


def memory(method: str, rows: float, dimensions: int, options: Sequence[str]) -> Bytes | None:
    """The memory that a vector index of so many rows is built in; None for other indexes, which need no more.

    >>> memory("hnsw", 1_000_000, 1536, ["m=16"]) // 2**20, memory("ivfflat", 10_000, 1536, []) // 2**20
    (8027, 64)
    """
    given = dict(option.partition("=")[::2] for option in options)
    if method == "hnsw":
        return _graph(rows, dimensions, int(given.get("m", _M)))
    if method == "ivfflat":
        return _clusters(dimensions, int(given.get("lists", _LISTS)))
    return None


def _graph(rows: float, dimensions: int, m: int) -> Bytes:
    """Each row: its vector, 2 m neighbours of 16 bytes in the lowest layer and few above, and what surrounds them."""
    return int(max(rows, 1) * 1.2 * (4 * dimensions + 2 * m * 16 * 1.2 + 256))


def _clusters(dimensions: int, lists: int) -> Bytes:
    """Fifty samples (10,000 at least) of each list, their distances to the centres, and the centres themselves."""
    samples, vector = max(10_000, 50 * lists), 4 * dimensions + 8
    return samples * (vector + 4 * lists + 8) + lists * (4 * vector + 8 * lists)
