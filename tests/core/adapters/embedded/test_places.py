"""Any directory can be a home, wherever its sockets have to be."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy

from chatai_core.adapters import embedded
from chatai_core.adapters.embedded.places import Places
from chatai_core.errors import NotPermitted
from tests.core.adapters.embedded.users import User, acquire, asked, ping, processes_of


@pytest.mark.parametrize("name", ["дом \"наш\" и 'твой', 100% $HOME\\n", "x" * 150])
def test_any_directory_name_can_be_a_home(new_home: Callable[[str], Path], name: str) -> None:
    home = new_home(name)
    lease = acquire(home)
    assert asked(lease.database_url, "SELECT 1") == 1
    engine = sqlalchemy.create_engine(lease.database_url.replace("://", "+psycopg2://", 1))
    with engine.connect() as connection:
        assert connection.scalar(sqlalchemy.text("SELECT 1")) == 1
    engine.dispose()
    assert ping(lease.redis_url)
    psql = embedded.postgres_binaries() / "psql"  # type: ignore[operator]
    assert subprocess.run([psql, lease.database_url, "-Atc", "SELECT 2"], capture_output=True).stdout == b"2\n"
    lease.release()
    assert processes_of(home) == []
    assert Places(home).sockets == home / "run" or not Places(home).sockets.exists()


def test_no_locale_and_no_home_directory_are_needed(new_home: Callable[[str], Path]) -> None:
    environment = {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    home = new_home("дом без языка")
    user = User(home, env=environment)
    assert user.said()[0] == "ready"
    assert asked(Places(home).database_url, "SELECT lower('ПЁС')") == "пёс"
    user.release()
    assert processes_of(home) == []


def test_a_socket_directory_that_others_can_write_to_is_refused(new_home: Callable[[str], Path]) -> None:
    home = new_home("x" * 150)
    sockets = Places(home).sockets
    sockets.mkdir()
    sockets.chmod(0o777)
    with pytest.raises(NotPermitted, match="is open to others"):
        acquire(home)
    sockets.rmdir()
