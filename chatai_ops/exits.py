"""What an exit code means: sysexits.h for errors, the monitoring plugins' 0 to 3 for checks."""

from chatai_core import errors

OK = 0
BUG = 70
INTERRUPTED = 130
# What the shell reports of a program that SIGPIPE ended, as with every other command before `| head`.
READER_GONE = 141

FOR_ERRORS: dict[type[errors.ChataiError], int] = {
    errors.ChataiError: BUG,
    errors.Misused: 64,
    errors.BadData: 65,
    errors.NotFound: 66,
    errors.Unavailable: 69,
    # EX_UNAVAILABLE covers "a support program does not exist" and what failed for a reason outside of us.
    errors.ProgramFailed: 69,
    errors.CannotCreate: 73,
    errors.Busy: 75,
    errors.NotPermitted: 77,
    errors.Misconfigured: 78,
    errors.Declined: INTERRUPTED,
}

FOR_STATUSES = {"ok": 0, "warning": 1, "critical": 2, "unknown": 3}


def for_error(error: errors.ChataiError) -> int:
    """The code of the error's nearest kind; of a signal what the shell reports of a program that it ended."""
    if isinstance(error, errors.Interrupted):
        return 128 + error.signal
    return next(FOR_ERRORS[kind] for kind in type(error).__mro__ if kind in FOR_ERRORS)


def for_result(result: object) -> int:
    """0 to 3 when the result is a verdict (it has a ``status``), else 0."""
    status = getattr(result, "status", None)
    return FOR_STATUSES.get(status, OK) if isinstance(status, str) else OK
