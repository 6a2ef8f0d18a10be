"""The processes of runs and jobs: start them, check that they are alive, and wait for them."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import psutil

from mnist_app.runs import fork_client

_NICENESS = 5  # the app comes first, because it has to answer strokes


class ChildProcess(Protocol):
    """A process that this process has started."""

    @property
    def pid(self) -> int:
        """The process id."""
        ...

    def kill(self) -> None:
        """Kill the process immediately."""

    def wait(self) -> int | None:
        """Wait for the process to end and return its exit code.

        The negative number of the signal if one ended it; None if the exit code is unknown.
        """


def start_process(module: str, argument: Path, log: Path | None = None) -> ChildProcess:
    """Start `python -m MODULE ARGUMENT`, which continues after this process has ended.

    Args:
        module: one that starts its work below `if __name__ == "__main__"`.
        argument: the folder or file that the process works on. Its name is the mark by which
            `is_running` recognizes the process.
        log: the file to which output and errors are appended; by default they are dropped.
    Raises:
        OSError: the log cannot be written, or the system cannot start another process.
    """
    argument, log = argument.resolve(), log or Path(os.devnull)
    with log.open("ab") as output:
        return fork_client.fork(module, argument, log, _environment()) or subprocess.Popen(
            [sys.executable, "-m", module, str(argument)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env=_environment(),
        )


def prepare_to_start() -> None:
    """Load what processes need in the background, so that they start sooner.

    For an app server, whose user may soon start a run or a job.
    """
    fork_client.ensure_server(_environment())


def _environment() -> dict[str, str]:
    """Return this process's variables, plus those that lead to the package and the fork server."""
    package = str(Path(__file__).resolve().parents[2])
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    others = [path for path in paths if path and path != package]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([package, *others])}
    if address := fork_client.server_address():
        environment[fork_client.ADDRESS] = address
    return environment


def wait_in_background(process: ChildProcess, then: Callable[[int], None] | None = None) -> None:
    """Wait in a thread for a process to end, so that it does not stay as a zombie.

    Args:
        process: one that `start_process` returned.
        then: called with the exit code if it is known: the negative number of the signal if one
            ended the process.
    """

    def wait() -> None:
        code = process.wait()
        if then and code is not None:
            then(code)

    threading.Thread(target=wait, daemon=True).start()


def is_running(pid: int, mark: str) -> bool:
    """Return whether a process is running and has `mark` in its command line.

    The id alone is not enough, because the system reuses ids after a while.
    """
    try:
        words = psutil.Process(pid).cmdline()  # empty while the process is in exec
        return not words or any(mark in word for word in words)
    except psutil.Error:
        return False


def be_nice() -> None:
    """Lower this process's priority: the app and everything else on this machine come first."""
    if hasattr(os, "nice"):
        os.nice(max(0, _NICENESS - os.nice(0)))  # the parent may be nice already
        _make_session_nice()


def _make_session_nice() -> None:
    """Lower the priority of this process's session as well, if the process leads one.

    Linux may first divide the processor among sessions, each with its own niceness. Processes of
    runs and jobs lead their own sessions. Without this, one run would get as much of the processor
    as all processes of another session together.
    """
    if os.getsid(0) != os.getpid():
        return
    with suppress(OSError):  # other systems cannot do this, and some Linux systems cannot either
        for _ in range(10):
            try:
                Path("/proc/self/autogroup").write_text(str(_NICENESS))
                return
            except BlockingIOError:  # at most ten a second, for all processes together
                time.sleep(0.1)
