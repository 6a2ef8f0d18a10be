"""Ask a fork server for processes: where there is one, they begin without loading torch first."""

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

ADDRESS = "MNIST_APP_FORK_SERVER"  # in the environment of runs: a trial starts the next one
TITLE_ROOM = 4096  # bytes that the command line of a forked process may have
_SECONDS_TO_ANSWER = 3
_SECONDS_BETWEEN_STARTS = 60  # one that ends at once is not started again and again
_IS_AVAILABLE = sys.platform == "linux"  # elsewhere libraries do not survive a fork


@dataclass(frozen=True)
class ForkedProcess:
    """A process that a fork server has forked."""

    pid: int
    _connection: socket.socket

    def kill(self) -> None:
        """End it at once."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int | None:
        """Its exit code, once it has ended; None if the fork server was gone before."""
        with self._connection:
            try:
                return _number(receive_line(self._connection), b"exit")
            except (OSError, ValueError):
                return None


def fork(
    module: str, argument: Path, log: Path, environment: Mapping[str, str]
) -> ForkedProcess | None:
    """Have a fork server start `python -m MODULE ARGUMENT`, as it were.

    Args:
        module: "mnist_app.runs.worker" or "mnist_app.runs.jobs".
        argument: the folder or file that the process works on.
        log: the file to which output and errors are appended.
        environment: of the process.
    Returns:
        None if there is no fork server, or one that was started in another environment.
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
            "folder": str(Path.cwd()),  # which may have been removed
            "environment": dict(environment),
        }
        return ForkedProcess(_ask(connection, address, request), connection)
    except (OSError, ValueError):
        connection.close()
        return None


def _ask(connection: socket.socket, address: str, request: Mapping[str, Any]) -> int:
    """Send a request; the number of the process that was forked for it.

    Raises:
        OSError: nobody listens, or answers in time.
        ValueError: the request was refused.
    """
    connection.settimeout(_SECONDS_TO_ANSWER)
    connection.connect("\0" + address)
    connection.sendall(json.dumps(request).encode() + b"\n")
    pid = _number(receive_line(connection), b"pid")
    connection.sendall(b"\n")  # until then it does nothing: nobody might know of it
    connection.settimeout(None)
    return pid


def _number(line: bytes, word: bytes) -> int:
    """The number behind a word; ValueError if the line says something else."""
    said, number = line.split()
    if said != word:
        raise ValueError("another message was to come")
    return int(number)


def receive_line(connection: socket.socket) -> bytes:
    """What is sent up to a line's end, or to the end of the connection."""
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
        """Start it, unless it lives."""
        with self._lock:
            is_alive = self._process and self._process.poll() is None
            if is_alive or time.monotonic() < self._started + _SECONDS_BETWEEN_STARTS:
                return
            self._forget_last()
            self._started = time.monotonic()
            self.address = f"mnist-app-{secrets.token_hex(16)}"
            room = "." * TITLE_ROOM  # for the command lines of the processes that it forks
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mnist_app.runs.fork_server", self.address, room],
                stdin=subprocess.PIPE,  # it ends when this process does, which closes the pipe
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
        """Of the process that lives, or lived last."""
        return self._process.pid if self._process else None


_SERVER = _Server()


def server_address() -> str | None:
    """Of the fork server of this process, or of the one that has started this process."""
    return _SERVER.address or os.environ.get(ADDRESS)


def ensure_server(environment: Mapping[str, str]) -> None:
    """Have a fork server of this process load what runs and jobs need; returns at once.

    It ends with this process, and when it was not asked for anything for some minutes.
    """
    if _IS_AVAILABLE:
        with suppress(OSError):
            _SERVER.ensure(environment)
