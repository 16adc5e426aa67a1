"""Upkeep and setup of a replica are refused, with the reason."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatai_core.adapters.postgres import Database
from chatai_core.database import circumstances
from chatai_core.database.setup import plans
from chatai_core.database.upkeep import reindex_plans, slow_log, tending
from chatai_core.errors import NotPermitted
from tests.servers.clusters import Cluster


@pytest.fixture
def standby(cluster: Cluster) -> Iterator[Database]:
    """A replica of a running server, open to queries."""
    cluster.start()
    following = cluster.standby(Path(f"{cluster.directory}-2"), slot="follower").start()
    with closing(Database(following.url)) as database:
        yield database
    following.stop()


def test_nothing_is_changed_on_a_replica(standby: Database, tmp_path: Path) -> None:
    for attempt in (
        lambda: tending.plan_vacuum(standby),
        lambda: tending.plan_analyze(standby),
        lambda: reindex_plans.rebuild(standby),
        lambda: reindex_plans.clean(standby),
        lambda: slow_log.plan(standby, tmp_path, "250"),
        lambda: plans.plan(standby.url, extensions=[]),
        lambda: tending.carry_out(standby.url, tending.UpkeepPlan("", tasks=[tending.Task(0, "", "", "", 0, 0, None)])),
        lambda: circumstances.must_permit_upkeep(standby),
    ):
        with pytest.raises(NotPermitted) as caught:
            attempt()
        assert "replica" in caught.value.why
    assert slow_log.state(standby, tmp_path).over_ms is None, "Asking changes nothing."
    assert os.listdir(tmp_path) == []
