"""A survey as monitoring systems read it: a Nagios plugin's lines, Prometheus' text format."""

from chatai_core.errors import ChataiError
from chatai_core.findings import Finding, Survey
from chatai_ops.cells import harmless, one_line
from chatai_ops.exits import FOR_STATUSES


def nagios(survey: Survey, command: str) -> str:
    """One line with the verdict and its reasons, then one line for each check."""
    bad = [finding for finding in survey.checks if finding.status != "ok"] or survey.checks
    reasons = "; ".join(f"{_clean(finding.name)}: {_clean(finding.summary)}" for finding in bad)
    head = f"{command.upper()} {survey.status.upper()}: {reasons} | duration={survey.duration_seconds:.3f}s"
    left_out = [_clean(f"SKIPPED {one.name}: {one.reason}") for one in survey.skipped]
    return "\n".join([head, *map(_line, survey.checks), *left_out]) + "\n"


def nagios_error(error: ChataiError) -> str:
    """What is said when it could not be found out."""
    return f"UNKNOWN: {_clean(str(error))}\n"


def prometheus(survey: Survey, command: str) -> str:
    """A gauge for each check; for node_exporter's textfile collector."""
    lines = [
        "# HELP chatai_check_status 0 ok, 1 warning, 2 critical, 3 unknown.",
        "# TYPE chatai_check_status gauge",
        *(
            f'chatai_check_status{{command="{command}",check="{_label(finding.name)}"}} {FOR_STATUSES[finding.status]}'
            for finding in survey.checks
        ),
        "# HELP chatai_check_duration_seconds How long all checks of the command took.",
        "# TYPE chatai_check_duration_seconds gauge",
        f'chatai_check_duration_seconds{{command="{command}"}} {survey.duration_seconds:.6f}',
    ]
    return "\n".join(lines) + "\n"


def _line(finding: Finding) -> str:
    remedy = f" ({finding.remedy})" if finding.remedy else ""
    return _clean(f"{finding.status.upper()} {finding.name}: {finding.summary}{remedy}")


def _clean(text: str) -> str:
    """The bar begins the performance data, a line end the next line."""
    return one_line(harmless(text)).replace("|", "/")


def _label(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
