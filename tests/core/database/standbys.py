"""A standby of a test's server."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from chatai_core.adapters.embedded.owner import owner
from chatai_core.adapters.postgres import Database
from tests.servers.clusters import Cluster

Standby = Cluster


@contextmanager
def standby_of(primary: Cluster) -> Iterator[Standby]:
    """A streaming standby that has caught up with its primary, which runs; it ends with the block."""
    directory = primary.directory.with_name("standby")
    standby = Cluster(primary.major, directory, **primary.settings)
    directory.mkdir()
    runs_as = owner()
    os.chown(directory, runs_as.uid, runs_as.gid)
    host = f"--dbname=host={primary.directory} user=postgres"
    argv = [
        str(primary.binaries / "pg_basebackup"),
        host,
        "-D",
        str(directory / "data"),
        "-R",
        "-c",
        "fast",
        "--no-sync",
    ]
    subprocess.run(argv, check=True, capture_output=True, cwd="/", **runs_as.for_popen)
    try:
        _caught_up(primary, standby.start())
        yield standby
    finally:
        standby.stop()
        shutil.rmtree(directory, ignore_errors=True)


def _caught_up(primary: Cluster, standby: Standby) -> None:
    at, there = Database(primary.url), Database(standby.url)
    wanted = at.value("SELECT pg_current_wal_lsn()")
    while not there.value("SELECT pg_last_wal_replay_lsn() >= %(wanted)s::pg_lsn", wanted=wanted):
        time.sleep(0.02)
    at.close()
    there.close()
