"""ChatAI as it is measured: a copy with its bytecode, its servers, something in its log."""

import compileall
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]


def compiled(directory: Path) -> Path:
    """A copy of our packages with their bytecode, and the command as pip writes it."""
    shutil.rmtree(directory, ignore_errors=True)
    for package in ("chatai_core", "chatai_ops", "alembic"):
        shutil.copytree(ROOT / package, directory / package, ignore=shutil.ignore_patterns("__pycache__"))
    compileall.compile_dir(directory, quiet=1)
    command = directory / "chatai"
    command.write_text(f"#!{sys.executable}\nimport sys\nfrom chatai_ops.main import main\nsys.exit(main())\n")
    command.chmod(0o755)
    return command


@contextmanager
def servers(home: Path) -> Iterator[dict[str, str]]:
    """The environment in which PostgreSQL and Valkey run, with our tables in them, and a short log."""
    from chatai_core import migrations
    from chatai_core.adapters import embedded

    logs = home / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    (logs / "api.log").write_text(_log())
    home.chmod(0o755)
    lease = embedded.acquire(home, postgres=True, valkey=True)
    try:
        migrations.upgrade(lease.database_url)
        yield {
            **{name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
            "DATABASE_URL": lease.database_url,
            "REDIS_URL": lease.redis_url,
            "CHATAI_HOME": str(home),
            "CHATAI_LOG_DIR": str(logs),
        }
    finally:
        lease.release()


def _log() -> str:
    """Ten thousand records, an error with its traceback in every hundred."""
    time = "2025-09-04 10:00:00,{:03d}"
    access = f"{time} - api.access - INFO - /api/dialogs GET 200 user=1 ip=127.0.0.1 request_id=r{{}} duration=12ms\n"
    trace = 'Traceback (most recent call last):\n  File "reply.py", line 1, in reply\nValueError: no\n'
    error = f"{time} - chatai_core.chat - ERROR - no reply for bot {{}}\n{trace}"
    return "".join((access if n % 100 else error).format(n % 1000, n) for n in range(10_000))
