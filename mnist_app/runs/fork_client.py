"""Ask a fork server for processes, which then start without having to load torch first."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ADDRESS = "MNIST_APP_FORK_SERVER"  # in the environment of runs, because a trial starts the next one
TITLE_ROOM = 4096  # bytes available for the command line of a forked process
_SECONDS_TO_ANSWER = 3
_SECONDS_BETWEEN_STARTS = 60  # a server that exits immediately is not restarted in a loop
_IS_AVAILABLE = sys.platform == "linux"  # on other systems libraries do not survive a fork


@dataclass(frozen=True)
class ForkedProcess:
    """A process that a fork server has forked."""

    pid: int
    _connection: socket.socket

    def kill(self) -> None:
        """Kill the process immediately."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int | None:
        """Wait until it ends; return its exit code, or None if the fork server ended before it."""
        with self._connection:
            try:
                return _number(receive_line(self._connection), b"exit")
            except (OSError, ValueError):
                return None


def fork(
    module: str, argument: Path, log: Path, environment: Mapping[str, str]
) -> ForkedProcess | None:
    """Have a fork server start the equivalent of `python -m MODULE ARGUMENT`.

    Args:
        module: "mnist_app.runs.worker" or "mnist_app.runs.jobs".
        argument: the folder or file that the process works on.
        log: the file to which output and errors are appended.
        environment: the environment variables of the process.
    Returns:
        The process. None if there is no fork server, if it does not answer, or if it refuses
        because it was started in a different environment.
    """
    address = server_address()
    if not address:
        return None
    connection = socket.socket(socket.AF_UNIX)
    try:
        request = {
            "module": module,
            "argument": str(argument),
            "log": str(log.absolute()),
            "folder": str(Path.cwd()),  # an OSError if it was removed
            "environment": dict(environment),
        }
        return ForkedProcess(_ask(connection, address, request), connection)
    except (OSError, ValueError):
        connection.close()
        return None


def _ask(connection: socket.socket, address: str, request: Mapping[str, Any]) -> int:
    """Send a request and return the id of the process that was forked for it.

    Raises:
        OSError: no server listens, or it does not answer in time.
        ValueError: the server refused the request.
    """
    connection.settimeout(_SECONDS_TO_ANSWER)
    connection.connect("\0" + address)
    connection.sendall(json.dumps(request).encode() + b"\n")
    pid = _number(receive_line(connection), b"pid")
    connection.sendall(b"\n")  # confirms: the process must not work if nobody knows of it
    connection.settimeout(None)
    return pid


def _number(line: bytes, word: bytes) -> int:
    """Return the number after a word; raise ValueError if the line says something else."""
    said, number = line.split()
    if said != word:
        raise ValueError("another message was to come")
    return int(number)


def receive_line(connection: socket.socket) -> bytes:
    """Receive until the end of a line, or until the connection ends."""
    received = b""
    while not received.endswith(b"\n") and (more := connection.recv(65536)):
        received += more
    return received


class _Server:
    """The fork server of this process, if it has one."""

    def __init__(self) -> None:
        self.address: str | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._started = float("-inf")  # monotonic seconds
        self._lock = threading.Lock()

    def ensure(self, environment: Mapping[str, str]) -> None:
        """Start the fork server, unless it is running or was started less than a minute ago."""
        with self._lock:
            is_alive = self._process and self._process.poll() is None
            if is_alive or time.monotonic() < self._started + _SECONDS_BETWEEN_STARTS:
                return
            self._forget_last()
            self._started = time.monotonic()
            self.address = f"mnist-app-{secrets.token_hex(16)}"
            room = "." * TITLE_ROOM  # forked processes put their command lines here
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mnist_app.runs.fork_server", self.address, room],
                stdin=subprocess.PIPE,  # closes when this process ends; then the server exits
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                env=dict(environment),
            )
            threading.Thread(target=self._process.wait, daemon=True).start()

    def _forget_last(self) -> None:
        if self._process and self._process.stdin:
            with suppress(OSError):
                self._process.stdin.close()

    @property
    def pid(self) -> int | None:
        """The id of the fork server's process, running or not; None if none was ever started."""
        return self._process.pid if self._process else None


_SERVER = _Server()


def server_address() -> str | None:
    """Return the address of this process's own fork server, else the one in its environment."""
    return _SERVER.address or os.environ.get(ADDRESS)


def ensure_server(environment: Mapping[str, str]) -> None:
    """Start this process's fork server in the background. It loads what runs and jobs need.

    The server ends with this process, or after some idle minutes.
    """
    if _IS_AVAILABLE:
        with suppress(OSError):
            _SERVER.ensure(environment)
