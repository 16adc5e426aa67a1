"""chatai logs errors: what a backend really wrote, whole, and what was read for the answer."""

from pathlib import Path

from chatai_core import journal
from tests.servers.command import Command


def test_no_log_at_all_is_not_found(chatai: Command) -> None:
    done = chatai("logs", "errors")
    assert done.exit_code == 66
    assert "There is no log in" in done.stderr
    assert done.stdout == ""


def test_errors_come_whole_with_their_traceback(chatai: Command, home: Path, tmp_path: Path) -> None:
    write(home / "logs")
    done = chatai("logs", "errors", "--json")
    assert done.exit_code == 0
    (record,) = done.json
    assert (record["level"], record["logger"], record["message"]) == ("ERROR", "chatai.test", "it broke")
    assert record["traceback"].startswith("Traceback (most recent call last):")
    assert record["traceback"].endswith("ZeroDivisionError: division by zero")
    assert "Read 1 file" in done.stderr


def test_people_read_it_as_it_stands_in_the_log(chatai: Command, home: Path) -> None:
    write(home / "logs")
    lines = chatai("logs", "errors").stdout.splitlines()
    assert lines[0].endswith(" - chatai.test - ERROR - it broke")
    assert lines[1] == "Traceback (most recent call last):"


def test_a_log_on_stdin_is_read(chatai: Command) -> None:
    text = "2026-11-24 10:00:00,000 - api - ERROR - from afar\n2026-11-24 10:00:01,000 - api - INFO - fine\n"
    (record,) = chatai("logs", "errors", "--json", "--file", "-", stdin=text).json
    assert record["message"] == "from afar"


def test_no_errors_is_said_with_what_was_read(chatai: Command) -> None:
    done = chatai("logs", "errors", "--file", "-", stdin="2026-11-24 10:00:01,000 - api - INFO - fine\n")
    assert done.exit_code == 0
    assert done.stdout == ""
    assert "No errors." in done.stderr
    assert "Read 1 file" in done.stderr


def test_a_window_that_is_no_time_is_refused(chatai: Command) -> None:
    assert chatai("logs", "errors", "--since", "soonish").exit_code == 64


def write(directory: Path) -> None:
    """One error with a traceback among other lines, by the journal itself."""
    import logging

    journal.open(directory, service="test", stderr=False)
    try:
        logging.getLogger("chatai.test").info("all is well")
        try:
            _ = 1 / 0
        except ZeroDivisionError:
            logging.getLogger("chatai.test").exception("it broke")
        logging.getLogger("chatai.test").info("and on we go")
    finally:
        journal.close()
