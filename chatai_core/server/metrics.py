"""What Prometheus reads: requests and their durations, the connection pool, Redis, the processes.

With several workers prometheus_client keeps the numbers of each in a file; whoever is asked adds them up. It decides
for files when it is imported, by PROMETHEUS_MULTIPROC_DIR: ``serving.py`` sets that before a worker starts.
"""

import functools
import os
from collections.abc import Iterable
from pathlib import Path

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from chatai_core.adapters import processes

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
UNMATCHED = "unmatched"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_LABELS = ("method", "path", "status")
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The numbers of this process and, with a shared directory, of its siblings."""

    def __init__(self, shared: Path | None = None) -> None:
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        own = CollectorRegistry()
        self._requests = Counter("http_requests_total", "Requests that were answered.", _LABELS, registry=own)
        self._seconds = Histogram(
            "http_request_duration_seconds", "How long they took.", _LABELS, registry=own, buckets=_BUCKETS
        )
        self._checked_out = _gauge(own, "db_pool_checked_out", "Connections to PostgreSQL in use.", "livesum")
        self._size = _gauge(own, "db_pool_size", "Connections to PostgreSQL that are kept.", "livesum")
        self._overflow = _gauge(own, "db_pool_overflow", "Connections to PostgreSQL above these.", "livesum")
        self._redis = _gauge(own, "redis_available", "Whether Redis answers (1) or not (0).", "livemin")
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self.shared = shared
        self._registry = own if shared is None else CollectorRegistry()
        if shared is not None:
            MultiProcessCollector(self._registry, str(shared))  # type: ignore[no-untyped-call]
        self._registry.register(Processes(shared))

    def count(self, method: str, path: str, status: int, seconds: float) -> None:
        """Count one answered request; ``path`` is the route's template, empty when none matched."""
        key = method, path, status
        pair = self._known.get(key)
        if pair is None:
            labels = (method if method in _METHODS else "OTHER", path or UNMATCHED, str(status))
            pair = self._known[key] = (self._requests.labels(*labels), self._seconds.labels(*labels))
            if len(self._known) > 10_000:  # made-up methods
                self._known.clear()
        pair[0].inc()
        pair[1].observe(seconds)

    def state(self, *, checked_out: int, size: int, overflow: int, redis: bool) -> None:
        """Set what is true at this moment in this process; ``overflow`` below zero is none."""
        self._checked_out.set(checked_out)
        self._size.set(size)
        self._overflow.set(max(0, overflow))
        self._redis.set(redis)

    def text(self) -> bytes:
        """All of it as Prometheus reads it."""
        if self.shared is not None:
            _forget_the_dead(self.shared)
        return prometheus_client.generate_latest(self._registry)


class Processes(Collector):
    """CPU, memory and files of the workers together: the oldest start, the lowest limit, the sum of the rest."""

    def __init__(self, shared: Path | None) -> None:
        self._shared = shared

    def collect(self) -> Iterable[Metric]:
        """One family for each number that the system tells."""
        together: dict[str, Metric] = {}
        for pid in _workers(self._shared) if self._shared else [os.getpid()]:
            for family in ProcessCollector(pid=functools.partial(int, pid), registry=None).collect():
                known = together.get(family.name)
                together[family.name] = _merged(known, family) if known else family
        return together.values()


def _merged(known: Metric, other: Metric) -> Metric:
    first, second = known.samples[0], other.samples[0]
    both = first.value, second.value
    value = min(both) if known.name in {"process_start_time_seconds", "process_max_fds"} else sum(both)
    known.samples = [first._replace(value=value)]
    return known


def _workers(shared: Path) -> list[int]:
    return sorted({int(file.stem.rpartition("_")[2]) for file in shared.glob("gauge_livesum_*.db")})


def _forget_the_dead(shared: Path) -> None:
    for pid in _workers(shared):
        if not processes.alive(pid, None):
            mark_process_dead(pid, str(shared))  # type: ignore[no-untyped-call]


def _gauge(registry: CollectorRegistry, name: str, says: str, together: str) -> Gauge:
    return Gauge(name, says, registry=registry, multiprocess_mode=together)  # type: ignore[arg-type]
