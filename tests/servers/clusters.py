"""PostgreSQL servers of every major version that this machine has: the embedded one and Debian's."""

import os
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import psycopg2

from chatai_core.adapters import embedded, processes
from chatai_core.adapters.embedded import reach
from chatai_core.adapters.embedded.owner import owner

EMBEDDED = "18"
DEBIAN = {path.parents[1].name: path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")}
MAJORS = sorted({EMBEDDED, *DEBIAN}, key=int)
# A test's data need not survive anything; what it sees must not change behind its back.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}
_STARTED: list[subprocess.Popen[bytes]] = []  # they may outlive the process that started them, which is no mistake


class Cluster:
    """A server of its own in a directory: made, started, stopped, crashed."""

    def __init__(self, major: str, directory: Path, **settings: str) -> None:
        """``directory`` is below one that everybody may pass through; settings are postgresql.conf's."""
        self.major = major
        self.directory = directory
        self.settings = {"shared_preload_libraries": "pg_stat_statements", "max_connections": "60", **FAST, **settings}
        self._owner = owner()
        found = embedded.postgres_binaries() if major == EMBEDDED else DEBIAN[major]
        assert found is not None
        self.binaries = reach.postgres(found, self._owner, directory) if major == EMBEDDED else found

    @property
    def url(self) -> str:
        """Its database postgres, as the superuser."""
        return f"postgresql://postgres@/postgres?host={quote(str(self.directory))}"

    @property
    def pid(self) -> int:
        """The postmaster's number; 0 when it does not run."""
        try:
            pid = int((self.directory / "data" / "postmaster.pid").read_text().split("\n")[0])
        except (OSError, ValueError):
            return 0
        return pid if processes.alive(pid, None) else 0

    def make(self) -> "Cluster":
        """initdb, once."""
        self.directory.mkdir(parents=True, exist_ok=True)
        os.chown(self.directory, self._owner.uid, self._owner.gid)
        if not (self.directory / "data").exists():
            new = self.directory / "new"
            arguments = ["-U", "postgres", "-A", "trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"]
            self._run(self.binaries / "initdb", "-D", new, *arguments)
            new.rename(self.directory / "data")
        return self

    def standby(self, directory: Path, *, slot: str, **settings: str) -> "Cluster":
        """A standby of this running server in ``directory``, through a slot that is made for it; it is not started."""
        made = Cluster(self.major, directory, **settings)
        directory.mkdir()
        os.chown(directory, self._owner.uid, self._owner.gid)
        source = ["-d", f"host={self.directory} user=postgres", "-R", "-C", "-S", slot, "-c", "fast", "--no-sync"]
        self._run(self.binaries / "pg_basebackup", "-D", directory / "data", *source)
        return made

    def start(self) -> "Cluster":
        """Start it and wait until it answers."""
        settings = {"listen_addresses": "", "unix_socket_directories": str(self.directory), **self.settings}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self.directory / "log").open("ab") as log:
            process = subprocess.Popen(
                [self.binaries / "postgres", "-D", self.directory / "data", *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                start_new_session=True,
                **self._owner.for_popen,
            )
        _STARTED.append(process)
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg2.connect(self.url).close()
            except psycopg2.OperationalError:
                assert time.monotonic() < deadline, (self.directory / "log").read_text()
                time.sleep(0.05)
            else:
                return self

    def stop(self, how: signal.Signals = signal.SIGINT) -> "Cluster":
        """End it: SIGINT is the fast shutdown, SIGQUIT a crash, after which it recovers."""
        pid = self.pid
        if pid:
            os.kill(pid, how)
            deadline = time.monotonic() + 30
            while self.pid == pid:
                assert time.monotonic() < deadline, "The server does not end."
                time.sleep(0.02)
        return self

    def _run(self, *argv: str | Path) -> None:
        subprocess.run(list(map(str, argv)), check=True, capture_output=True, cwd="/", **self._owner.for_popen)
