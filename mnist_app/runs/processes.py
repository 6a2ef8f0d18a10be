"""Processes of their own for runs and jobs: how they are started, found alive, and waited for."""

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

_NICENESS = 5  # the app, which answers strokes, comes first


class ChildProcess(Protocol):
    """A process that was started here."""

    @property
    def pid(self) -> int:
        """Its number."""
        ...

    def kill(self) -> None:
        """End it at once."""

    def wait(self) -> int | None:
        """Its exit code once it has ended, a signal as its negative number; None if not known."""


def start_process(module: str, argument: Path, log: Path | None = None) -> ChildProcess:
    """Start `python -m MODULE ARGUMENT`, which goes on when this process ends.

    Args:
        module: with a function for the process below `if __name__ == "__main__"`.
        argument: the folder or file that the process works on; its name is the process's mark.
        log: the file to which output and errors are appended; by default they are dropped.
    Raises:
        OSError: the log cannot be written, or the system has no room for another process.
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
    """Load in the background what processes need, so that they start sooner; returns at once.

    For an app server, whose user may soon start something.
    """
    fork_client.ensure_server(_environment())


def _environment() -> dict[str, str]:
    """This process's, with the package and the fork server within reach."""
    package = str(Path(__file__).resolve().parents[2])
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    others = [path for path in paths if path and path != package]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([package, *others])}
    if address := fork_client.server_address():
        environment[fork_client.ADDRESS] = address
    return environment


def wait_in_background(process: ChildProcess, then: Callable[[int], None] | None = None) -> None:
    """Wait for a process's end, so that no zombie stays.

    Args:
        process: as it was started here.
        then: called with the exit code, if it is known; a signal counts as its negative number.
    """

    def wait() -> None:
        code = process.wait()
        if then and code is not None:
            then(code)

    threading.Thread(target=wait, daemon=True).start()


def is_running(pid: int, mark: str) -> bool:
    """Whether the process lives, and is the one that was started for what bears that name.

    Numbers of processes are given anew after a while.
    """
    try:
        words = psutil.Process(pid).cmdline()  # empty while the process is replacing itself
        return not words or any(mark in word for word in words)
    except psutil.Error:
        return False


def be_nice() -> None:
    """Let the app, and whatever else runs here, come first."""
    if hasattr(os, "nice"):
        os.nice(max(0, _NICENESS - os.nice(0)))  # a process may be started by one that is nice
        _make_session_nice()


def _make_session_nice() -> None:
    """Linux may share the processor among sessions first, each with a niceness of its own.

    Processes of runs lead sessions. Without this they took as much as all other processes together.
    """
    if os.getsid(0) != os.getpid():
        return
    with suppress(OSError):  # not on other systems, and not on each Linux
        for _ in range(10):
            try:
                Path("/proc/self/autogroup").write_text(str(_NICENESS))
                return
            except BlockingIOError:  # ten times a second at most, for all processes together
                time.sleep(0.1)
