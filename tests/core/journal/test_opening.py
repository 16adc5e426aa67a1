import logging
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from chatai_core import journal
from chatai_core.errors import CannotCreate


def messages(file: Path) -> list[str]:
    return [line.split(" - ", 3)[3] for line in file.read_text("utf-8").splitlines()]


def test_records_of_the_level_go_to_api_log(directory: Path) -> None:
    journal.open(directory, service="backend", level="WARNING")
    logging.getLogger("api").info("not this")
    logging.getLogger("api").warning("this")
    assert messages(directory / "api.log") == ["this"]


def test_nothing_is_made_before_the_first_record(directory: Path) -> None:
    journal.open(directory, service="backend")
    assert list(directory.iterdir()) == []


def test_files_are_closed_to_others(directory: Path) -> None:
    before = os.umask(0)
    try:
        journal.open(directory, service="backend")
        journal.audit("user_login", "success")
    finally:
        os.umask(before)
    assert {stat.S_IMODE(file.stat().st_mode) for file in directory.iterdir()} == {0o640}
    assert {file.name for file in directory.iterdir()} == {"api.log", "audit.log"}
    assert stat.S_IMODE(directory.stat().st_mode) == 0o750


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_log_that_root_makes_belongs_to_the_owner_of_the_directory(directory: Path) -> None:
    directory.mkdir()
    os.chown(directory, 12345, 12345)
    journal.open(directory, service="command")
    journal.audit("token_create", "success")
    assert {(file.stat().st_uid, file.stat().st_gid) for file in directory.iterdir()} == {(12345, 12345)}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has something to lose")
def test_root_follows_no_link_in_the_services_own_directory(
    directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory.mkdir()
    os.chown(directory, 12345, 12345)
    (tmp_path / "passwd").write_text("root\n")
    (directory / "api.log").symlink_to(tmp_path / "passwd")
    journal.open(directory, service="command")
    logging.getLogger("api").info("x")
    assert (tmp_path / "passwd").read_text() == "root\n"
    assert "api.log cannot be written" in capsys.readouterr().err


def test_opening_again_moves_to_the_other_directory(directory: Path, tmp_path: Path) -> None:
    journal.open(directory, service="backend")
    journal.open(tmp_path / "other", service="backend")
    logging.getLogger("api").info("x")
    assert messages(tmp_path / "other" / "api.log") == ["x"]
    assert not (directory / "api.log").exists()


def test_after_closing_nothing_is_written(directory: Path) -> None:
    journal.open(directory, service="backend")
    journal.close()
    logging.getLogger("api").info("x")
    assert list(directory.iterdir()) == []


def test_stderr_shows_the_same_lines_when_asked(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal.open(directory, service="backend", stderr=True)
    logging.getLogger("api").info("password=hunter2")
    journal.open(directory, service="backend")
    logging.getLogger("api").info("only in the file")
    shown = capsys.readouterr().err
    assert shown.endswith(" - api - INFO - password=…\n")
    assert messages(directory / "api.log") == ["password=…", "only in the file"]


BROKEN = """
import logging, pathlib, sys
from chatai_core import journal

class Broken:
    def __str__(self):
        raise RuntimeError("password=hunter2")

journal.open(pathlib.Path(sys.argv[1]), service="backend", stderr=True)
logging.getLogger("api").info("%s", Broken())
"""


def test_an_argument_that_cannot_be_shown_stops_nobody(directory: Path) -> None:
    done = subprocess.run([sys.executable, "-c", BROKEN, directory], capture_output=True, text=True, check=True)
    assert messages(directory / "api.log") == ["a record of api, <string>:10 cannot be shown: RuntimeError"]
    assert done.stderr == ""


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotCreate, match="logs"):
        journal.open(tmp_path / "file" / "logs", service="backend")


SERVER = """
import asyncio, logging, pathlib, sys, urllib.request
import uvicorn
from chatai_core import journal

async def app(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})

async def main():
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    await asyncio.to_thread(urllib.request.urlopen, f"http://127.0.0.1:{port}/")
    server.should_exit = True
    await serving

journal.open(pathlib.Path(sys.argv[1]), service="backend")
asyncio.run(main())
"""


def test_uvicorn_without_a_log_config_logs_here_but_not_its_requests(directory: Path) -> None:
    done = subprocess.run([sys.executable, "-c", SERVER, directory], capture_output=True, text=True, check=True)
    log = (directory / "api.log").read_text()
    assert " - uvicorn.error - INFO - Uvicorn running on " in log
    assert "GET" not in log
    assert done.stderr == ""
