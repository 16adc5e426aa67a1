"""Verdicts as monitoring systems read them."""

from chatai_core.errors import Unavailable
from chatai_core.findings import Finding, Survey
from chatai_ops import monitoring

SURVEY = Survey(
    "critical",
    [
        Finding("disk", "ok", "Plenty."),
        Finding('odd "name"', "critical", "Full | really\nfull.", {}, "chatai logs clean"),
    ],
    1.5,
)


def test_the_bar_and_line_ends_of_a_sentence_break_no_plugin_output() -> None:
    head, *rest = monitoring.nagios(SURVEY, "doctor").splitlines()
    assert head == 'DOCTOR CRITICAL: odd "name": Full / really\\nfull. | duration=1.500s'
    assert rest == ["OK disk: Plenty.", 'CRITICAL odd "name": Full / really\\nfull. (chatai logs clean)']


def test_an_error_is_unknown() -> None:
    assert monitoring.nagios_error(Unavailable("No answer.", why="It is off.")) == "UNKNOWN: No answer. It is off.\n"


def test_labels_are_escaped_for_prometheus() -> None:
    lines = monitoring.prometheus(SURVEY, "doctor").splitlines()
    assert 'chatai_check_status{command="doctor",check="odd \\"name\\""} 2' in lines
    assert 'chatai_check_duration_seconds{command="doctor"} 1.500000' in lines
