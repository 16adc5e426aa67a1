import json
import re
import subprocess
from pathlib import Path

import pytest

from chatai_core import journal

KEYS = ["timestamp", "operation", "operation_name", "user_id", "status", "details", "ip_address", "user_agent"]


def fields_of(directory: Path) -> list[str]:
    [line] = (directory / "audit.log").read_text("utf-8").splitlines()
    return line.split(" | ")


def test_an_operation_leaves_six_fields_and_the_address(directory: Path) -> None:
    journal.open(directory, service="backend")
    journal.audit("user_login", "success", user_id=5, details={"email": "я@b.c"}, ip="203.0.113.7", user_agent="curl/8")
    time, level, user, operation, status, details, address = fields_of(directory)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}", time)
    assert (level, user, operation, status, address) == ("INFO", "5", "user_login", "success", "203.0.113.7")
    entry = json.loads(details)
    assert list(entry) == KEYS
    assert entry["details"] == {"email": "я@b.c"}
    assert (entry["user_id"], entry["ip_address"], entry["user_agent"]) == (5, "203.0.113.7", "curl/8")


@pytest.mark.parametrize(("status", "level"), [("success", "INFO"), ("failed", "WARNING"), ("unknown", "ERROR")])
def test_the_level_follows_the_status(directory: Path, status: str, level: str) -> None:
    journal.open(directory, service="backend", level="ERROR")
    journal.audit("user_login", status)
    assert fields_of(directory)[1:5] == [level, "anonymous", "user_login", status]


def test_api_log_says_it_in_one_line(directory: Path) -> None:
    journal.open(directory, service="backend")
    journal.audit("user_login", "failed", ip="203.0.113.7")
    [line] = (directory / "api.log").read_text().splitlines()
    assert line.endswith(" - audit - WARNING - user_login failed")


def test_the_runbooks_awk_and_the_fail2ban_filter_find_the_address(directory: Path) -> None:
    journal.open(directory, service="backend")
    for _ in range(6):
        journal.audit("user_login", "failed", details={"reason": "a b"}, ip="203.0.113.7", user_agent="curl/8 | x")
    program = "/login.*failed/ {ip=$NF; count[ip]++} END {for (i in count) if (count[i] > 5) print i, count[i]}"
    log = directory / "audit.log"
    assert subprocess.run(["awk", program, log], capture_output=True, check=True).stdout == b"203.0.113.7 6\n"
    filtered = r'^.*\|\s*WARNING\s*\|\s*\w*\s*\|\s*user_login\s*\|\s*failed\s*\|.*"ip_address":\s*"203\.0\.113\.7".*$'
    assert len(re.findall(filtered, log.read_text(), re.MULTILINE)) == 6


def test_nothing_that_a_client_sends_makes_a_second_line_or_field(directory: Path) -> None:
    journal.open(directory, service="backend")
    journal.audit("x | y", "fai led\n", user_id="1 | INFO", ip="1.2.3.4 | 5.6.7.8", user_agent="a\n\u2028\x9b")
    user, operation, status, *details, address = fields_of(directory)[2:]
    assert (user, operation, status) == ("1%20%7C%20INFO", "x%20%7C%20y", "fai%20led%0A")
    assert address == "1.2.3.4%20%7C%205.6.7.8"
    assert json.loads(" | ".join(details))["user_agent"] == "a\n\u2028\x9b"


def test_secrets_in_details_and_errors_are_masked(directory: Path) -> None:
    journal.open(directory, service="backend")
    error = ValueError("password=hunter2")
    journal.audit("token_create", "error", details={"token": "abc", "deep": [{"password": "hunter2"}]}, error=error)
    text = (directory / "audit.log").read_text("utf-8")
    entry = json.loads(fields_of(directory)[5])
    assert "hunter2" not in text
    assert entry["details"] == {"token": "…", "deep": [{"password": "…"}]}
    assert entry["error"]["type"] == "ValueError"
    assert entry["error"]["message"] == "password=…"
    assert entry["error"]["traceback"].startswith("Traceback (most recent call last):\nValueError")


def test_json_holds_the_entry_and_api_log_only_the_message(directory: Path) -> None:
    journal.open(directory, service="backend", format="json")
    journal.audit("user_login", "failed", details={"email": "a@b.c"}, ip="203.0.113.7")
    line = json.loads((directory / "audit.log").read_text())
    assert list(line) == ["time", "level", "service", "logger", "message", *KEYS[1:]]
    assert line["details"] == {"email": "a@b.c"}
    assert list(json.loads((directory / "api.log").read_text())) == ["time", "level", "service", "logger", "message"]
