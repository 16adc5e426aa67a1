"""The fleet as Prometheus reads it."""

from collections import Counter
from collections.abc import Iterator
from typing import get_args

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from chatai_core.bots.status import Status
from chatai_core.bots.wire import State

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def text(status: Status) -> str:
    """The exposition format."""
    registry = CollectorRegistry()
    registry.register(_Fleet(status))
    return generate_latest(registry).decode()


class _Fleet(Collector):
    def __init__(self, status: Status) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        status = self._status
        yield _by_state("chatai_bots", "Bots by observed state.", Counter(bot.state for bot in status.bots))
        up = GaugeMetricFamily("chatai_bot_up", "Whether a bot is running.", labels=["bot_id"])
        for bot in status.bots:
            if bot.desired == "running":
                up.add_metric([str(bot.id)], float(bot.active))
        yield up
        alive = sum(worker.pid is not None for worker in status.workers)
        yield GaugeMetricFamily("chatai_bot_workers", "Worker processes that live.", alive)
        restarts = CounterMetricFamily("chatai_bot_worker_restarts", "Restarts after a crash.", labels=["worker"])
        for worker in status.workers:
            restarts.add_metric([str(worker.worker)], worker.restarts)
        yield restarts
        in_hand = sum(worker.in_hand for worker in status.workers)
        yield GaugeMetricFamily("chatai_bot_messages_in_hand", "Messages that are being answered.", in_hand)
        reachable = status.database_error is None
        yield GaugeMetricFamily("chatai_bot_manager_database_up", "Whether PostgreSQL answers.", float(reachable))


def _by_state(name: str, sentence: str, counts: Counter[State]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, sentence, labels=["state"])
    for state in get_args(State):
        family.add_metric([state], counts[state])
    return family
