"""Numbers that Prometheus can read."""

from prometheus_client.parser import text_string_to_metric_families

from chatai_core.server.metrics import Metrics
from tests.servers.backend import Backend


def _samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _value(text: str, name: str, **labels: str) -> float:
    return _samples(text).get((name, tuple(sorted(labels.items()))), 0.0)


def test_the_numbers_are_in_prometheus_format(backend: Backend) -> None:
    response = backend.get("/metrics")

    families = {family.name: family for family in text_string_to_metric_families(response.text)}
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert families["http_request_duration_seconds"].type == "histogram"
    assert families["http_requests"].type == "counter"
    for gauge in ("db_pool_checked_out", "db_pool_size", "db_pool_overflow", "redis_available"):
        assert families[gauge].type == "gauge"
    assert {"process_resident_memory_bytes", "process_cpu_seconds", "process_open_fds"} <= set(families)


def test_requests_are_counted_by_the_template_of_their_route(backend: Backend) -> None:
    path = "/api/dialogs/{id}/messages"
    before = backend.get("/metrics").text
    for id in (1, 2, 3):
        backend.get(f"/api/dialogs/{id}/messages")
    after = backend.get("/metrics").text

    labels = {"method": "GET", "path": path, "status": "401"}
    assert _value(after, "http_requests_total", **labels) - _value(before, "http_requests_total", **labels) == 3
    name = "http_request_duration_seconds_count"
    assert _value(after, name, **labels) - _value(before, name, **labels) == 3


def test_unknown_paths_and_methods_make_no_labels_of_their_own(backend: Backend) -> None:
    labels = {"method": "OTHER", "path": "unmatched", "status": "404"}
    before = backend.get("/metrics").text
    for number, method in enumerate(("PROPFIND", "SEARCH", "PURGE", "LOCK", "COPY")):
        backend(method, f"/nothing/{number}")
    after = backend.get("/metrics").text

    assert _value(after, "http_requests_total", **labels) - _value(before, "http_requests_total", **labels) == 5
    assert "/nothing" not in after
    assert "PROPFIND" not in after


def test_the_state_of_the_pool_and_of_redis_is_told(backend: Backend) -> None:
    text = backend.get("/metrics").text

    assert _value(text, "redis_available") == 1
    assert _value(text, "db_pool_size") == 15
    assert _value(text, "db_pool_overflow") == 0
    assert _value(text, "db_pool_checked_out") >= 0
    assert _value(text, "process_resident_memory_bytes") > 10_000_000


def test_made_up_methods_do_not_fill_the_memory() -> None:
    numbers = Metrics()

    for number in range(20_500):
        numbers.count(f"M{number}", "", 404, 0.001)

    assert (
        _value(numbers.text().decode(), "http_requests_total", method="OTHER", path="unmatched", status="404") == 20_500
    )
