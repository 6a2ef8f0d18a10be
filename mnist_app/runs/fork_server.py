"""A process that has torch loaded, and forks the processes of runs and jobs.

    python -m mnist_app.runs.fork_server ADDRESS ROOM

Forked processes start seconds sooner, and share the server's memory. The fork server belongs to an
app server. It ends with the app server, or after some idle minutes; the processes that it forked
continue. It loads modules and does nothing else, because neither threads nor CUDA survive a fork.
"""

import ctypes
import gc
import json
import os
import selectors
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mnist_app.runs import processes
from mnist_app.runs.fork_client import receive_line

_SECONDS_IDLE = 300
_SECONDS_FOR_REQUEST = 2
# Libraries set these when they are loaded, in the app or in this process.
_NOT_COMPARED = {"KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK"}
_ARGUMENTS_BEGIN, _ARGUMENTS_END = 45, 46  # fields of /proc/self/stat, counted after the name


class _RefusedError(Exception):
    """The fork server refuses a request."""


class ForkServer:
    """Listens for requests, forks, and reports to each client how its process ended."""

    def __init__(self, address: str) -> None:
        self._environment = _compared(os.environ)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind("\0" + address)  # an abstract socket: no file to clean up
        self._listener.listen()
        self._woken, waker = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(waker, False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(waker)
        self._waker = waker
        self._waiting: dict[int, socket.socket] = {}  # the clients, by process id
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._woken, selectors.EVENT_READ, self._reap)
        self._selector.register(sys.stdin.fileno(), selectors.EVENT_READ, sys.exit)

    def serve(self) -> None:
        """Serve requests until the app server is gone or there was nothing to do for a while."""
        while events := self._selector.select(None if self._waiting else _SECONDS_IDLE):
            for key, _mask in events:
                key.data()

    def _reap(self) -> None:
        os.read(self._woken, 4096)
        with suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = found
                with suppress(OSError), self._waiting.pop(pid) as connection:
                    connection.sendall(b"exit %d\n" % os.waitstatus_to_exitcode(status))

    def _accept(self) -> None:
        connection, _address = self._listener.accept()
        try:
            connection.settimeout(_SECONDS_FOR_REQUEST)
            request = self._checked_request(connection)
            pid = os.fork()
        except (_RefusedError, OSError, ValueError, RecursionError):
            connection.close()
            return
        if pid == 0:
            self._close()
            os._exit(_run(request, connection))
        self._waiting[pid] = connection

    def _checked_request(self, connection: socket.socket) -> dict[str, Any]:
        _pid, uid, _gid = struct.unpack(
            "3i",
            connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")),
        )
        if uid != os.getuid():
            raise _RefusedError
        request = json.loads(receive_line(connection))
        if not isinstance(request, dict) or not isinstance(request.get("environment"), dict):
            raise _RefusedError
        if _compared(request["environment"]) != self._environment:
            raise _RefusedError  # some variables only take effect while Python or a library loads
        return request

    def _close(self) -> None:
        """Close, in a forked process, everything that belongs to the fork server."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        self._listener.close()
        for connection in self._waiting.values():
            connection.close()
        os.close(self._woken)
        os.close(self._waker)


def _compared(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that must equal the fork server's. Each run rereads the app's own."""
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith("MNIST_APP_") and name not in _NOT_COMPARED
    }


# In a forked process


def _run(request: dict[str, Any], connection: socket.socket) -> int:
    """Become the process that was asked for, and return its exit code."""
    try:
        os.setsid()
        _redirect(Path(request["log"]))
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        set_command_line([sys.executable, "-m", request["module"], request["argument"]])
        connection.settimeout(None)  # the client may be slow; if it dies, the connection ends
        with connection:
            connection.sendall(b"pid %d\n" % os.getpid())
            if not receive_line(connection):
                return 0  # the client is gone, and nobody knows of this process
        processes.be_nice()
        return _main_of(request["module"])(Path(request["argument"]))
    except BaseException:  # noqa: BLE001, the boundary of the process: all goes to its log
        traceback.print_exc()
        return 1
    finally:
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()


def _redirect(log: Path) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(nothing)
    os.close(output)


def _main_of(module: str) -> Callable[[Path], int]:
    match module:
        case "mnist_app.runs.worker":
            from mnist_app.runs import worker

            return worker.main
        case "mnist_app.runs.jobs":
            from mnist_app.runs import jobs

            return jobs.main
    raise ValueError(f"there is no process {module!r}")


def set_command_line(words: list[str]) -> None:
    """Change the command line that the system reports for this process.

    `processes.is_running` recognizes the process by it.

    Raises:
        OSError: there is not enough room, or the system does not say where the command line is.
    """
    facts = Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()
    begin, end = int(facts[_ARGUMENTS_BEGIN]), int(facts[_ARGUMENTS_END])
    text = "".join(f"{word}\0" for word in words).encode()
    if not begin or len(text) >= end - begin:
        raise OSError("there is no room for another command line")
    ctypes.memset(begin, 0, end - begin)
    ctypes.memmove(begin, text, len(text))


# The fork server's own process


def _load() -> None:
    """Import what runs and jobs need."""
    import torch  # noqa: F401

    from mnist_app.data import training_data  # noqa: F401
    from mnist_app.recognition import assessment, embedding, neighbours  # noqa: F401
    from mnist_app.results import weights  # noqa: F401
    from mnist_app.runs import jobs, worker  # noqa: F401
    from mnist_app.training import loop  # noqa: F401


def main(address: str) -> None:
    """Load everything, then serve."""
    processes.be_nice()
    set_command_line([sys.executable, "-m", "mnist_app.runs.fork_server", address])
    _load()
    gc.collect()
    gc.freeze()  # the collector writes to objects it visits, which would unshare their memory
    ForkServer(address).serve()


if __name__ == "__main__":
    main(sys.argv[1])
