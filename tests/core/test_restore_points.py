"""Which backup a migration may rely on."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from chatai_core import restore_points
from chatai_core.errors import BadData
from chatai_core.restore_points import RestorePoint

NOW = datetime.now(UTC)
Make = Callable[..., RestorePoint]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Puts a backup and its manifest into the directory."""

    def made(id: str, hours: float, **otherwise: object) -> RestorePoint:
        path = tmp_path / f"{id}.dump.zst"
        path.write_bytes(b"12345")
        point = RestorePoint(
            id=id, path=str(path), created_at=NOW - timedelta(hours=hours), size_bytes=5, database="chatai",
            database_bytes=10, format="custom+zstd", sha256="0", revision="0001", server_version="18", extensions={},
            pg_dump_version="18", key_id="k", duration_seconds=1.0, verified=True,
        )  # fmt: skip
        point = replace(point, **otherwise)  # type: ignore[arg-type]
        (tmp_path / f"{id}{restore_points.SUFFIX}").write_bytes(msgspec.json.encode(point))
        return point

    return made


def test_the_newest_verified_one_of_this_database_counts(make: Make, tmp_path: Path) -> None:
    make("older", 5)
    wanted = make("newer", 3)
    make("unverified", 1, verified=False)
    make("of another", 1, database="other")
    make("from the future", -2)
    make("cut short", 1, size_bytes=6)
    make("gone", 1, path=str(tmp_path / "nowhere"))
    (tmp_path / f"damaged{restore_points.SUFFIX}").write_text("{")
    assert restore_points.newest_verified(tmp_path, "chatai") == wanted


def test_a_moment_without_its_zone_is_damage(make: Make, tmp_path: Path) -> None:
    wanted = make("sound", 3)
    point = make("odd", 1)
    manifest = tmp_path / f"odd{restore_points.SUFFIX}"
    naive = {**msgspec.to_builtins(point), "created_at": "2026-11-24T10:00:00"}
    manifest.write_bytes(msgspec.json.encode(naive))
    with pytest.raises(BadData, match="is damaged"):
        restore_points.read(manifest)
    assert restore_points.newest_verified(tmp_path, "chatai") == wanted


def test_there_may_be_none(tmp_path: Path) -> None:
    assert restore_points.newest_verified(tmp_path, "chatai") is None
    assert restore_points.newest_verified(tmp_path / "nowhere", "chatai") is None
