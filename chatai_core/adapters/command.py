"""The one place that runs other programs: a list of words, never a shell string; secrets only in the environment."""

import logging
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from chatai_core.errors import Busy, ProgramFailed, Unavailable
from chatai_core.i18n import _

logger = logging.getLogger(__name__)

_GRACE = 5.0  # seconds that a program gets between SIGTERM and SIGKILL


@dataclass(frozen=True, slots=True)
class Completed:
    """What a program left behind."""

    code: int
    stdout: str
    stderr: str


def run(
    argv: Sequence[str | Path],
    *,
    stdin: bytes | None = None,
    env: Mapping[str, str] | None = None,
    directory: Path | None = None,
    timeout: float = 60.0,
    check: bool = True,
) -> Completed:
    """Run a program to its end; ``env`` is added to ours. Raises ProgramFailed, Unavailable, Busy (timeout)."""
    logger.debug("running %s", shlex.join(map(str, argv)))
    try:
        done = subprocess.run(
            list(map(str, argv)),
            input=stdin or b"",
            capture_output=True,
            env=_environment(env),
            cwd=directory,
            timeout=timeout,
            check=False,
        )
    except OSError as error:
        raise _not_started(argv, error) from error
    except subprocess.TimeoutExpired as error:
        raise Busy(
            _("{program} did not end within {seconds} seconds.").format(program=_name(argv), seconds=f"{timeout:g}")
        ) from error
    completed = Completed(done.returncode, _text(done.stdout), _text(done.stderr))
    if check and completed.code:
        raise failed(argv, completed.code, completed.stderr)
    return completed


@contextmanager
def reading(argv: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> Iterator[IO[bytes]]:
    """A program's output as a stream. Leaving early ends the program; a failure raises ProgramFailed at the end."""
    with _started(argv, env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield process.stdout


@contextmanager
def writing(argv: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> Iterator[IO[bytes]]:
    """A program's input as a stream; it is closed at the end and the program awaited. Raises ProgramFailed."""
    with _started(argv, env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        try:
            yield process.stdin
        except BrokenPipeError:
            pass  # its exit code and last words say why
        try:
            process.stdin.close()
        except BrokenPipeError:
            pass


class Child:
    """A program that goes on beside us; ended by ``stop``, never left as a zombie."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.pid = process.pid

    @property
    def code(self) -> int | None:
        """Its exit code (negative: the signal that ended it); None while it runs."""
        return self._process.poll()

    def wait(self, seconds: float) -> int | None:
        """Its exit code, or None when it still runs after these seconds."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def stop(self, *, grace: float = _GRACE) -> int:
        """End it with SIGTERM, after ``grace`` seconds with SIGKILL; its exit code."""
        if self.code is None:
            self._process.terminate()
        if self.wait(grace) is None:
            self._process.kill()
        code = self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        return code


def start(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    directory: Path | None = None,
    output: Path | None = None,
    detached: bool = False,
    tied: bool = False,
) -> Child:
    """Start a program and return; its output goes to ours, or is appended to a file. Raises Unavailable.

    ``detached`` puts it into a session of its own: Ctrl-C and the end of the terminal do not reach it.
    ``tied`` gives it a standard input that ends when we do, however we end: see ``children.end_with_stdin``.
    """
    logger.debug("starting %s", shlex.join(map(str, argv)))
    try:
        stream = output.open("ab") if output else None
        try:
            process = subprocess.Popen(
                list(map(str, argv)),
                stdin=subprocess.PIPE if tied else subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT if stream else None,
                env=_environment(env),
                cwd=directory,
                start_new_session=detached,
            )
        finally:
            if stream:
                stream.close()
    except OSError as error:
        raise _not_started(argv, error) from error
    return Child(process)


def find(program: str, *directories: Path) -> Path | None:
    """Where a program is: in these directories first, else on PATH."""
    path = os.pathsep.join([*map(str, directories), os.environ.get("PATH", os.defpath)])
    found = shutil.which(program, path=path)
    return Path(found) if found else None


def failed(argv: Sequence[str | Path], code: int, stderr: str) -> ProgramFailed:
    """The error of a program that ended badly: its last words are the reason."""
    words = [line for line in stderr.strip().splitlines() if line.strip()]
    return ProgramFailed(
        _("{program} failed with code {code}.").format(program=_name(argv), code=code),
        why=_without_secrets(" ".join(words[-3:])) or _("It gave no reason."),
    )


@contextmanager
def _started(
    argv: Sequence[str | Path], env: Mapping[str, str] | None, *, stdin: int, stdout: int
) -> Iterator[subprocess.Popen[bytes]]:
    logger.debug("starting %s", shlex.join(map(str, argv)))
    with tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(
                list(map(str, argv)), stdin=stdin, stdout=stdout, stderr=errors, env=_environment(env)
            )
        except OSError as error:
            raise _not_started(argv, error) from error
        try:
            yield process
            code = process.wait()
        finally:
            _end(process)
        if code:
            errors.seek(0)
            raise failed(argv, code, _text(errors.read()))


def _end(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None and not stream.closed:
            try:
                stream.close()
            except BrokenPipeError:
                pass
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _environment(env: Mapping[str, str] | None) -> dict[str, str]:
    return {**os.environ, **(env or {}), "LC_MESSAGES": "C"}


def _not_started(argv: Sequence[str | Path], error: OSError) -> Unavailable:
    return Unavailable(
        _("The program {program} cannot be started.").format(program=_name(argv)), why=f"{error.strerror}."
    )


def _without_secrets(text: str) -> str:
    return re.sub(r"(://[^:/\s]*):[^@\s]*@", r"\1:********@", text)


def _name(argv: Sequence[str | Path]) -> str:
    return Path(argv[0]).name


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
