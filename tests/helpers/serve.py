"""Run the real app in its own process, on copies of the committed weights."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import committed_weights

ROOT = Path(__file__).resolve().parent.parent.parent
LAPTOP = "laptop.example"  # a name under which the tests' browser also reaches this machine
NONE: Mapping[str, str] = {}
PATIENCE = 180  # s: long enough that a hang fails a test, but a slow machine does not


@contextmanager
def served(
    folder: Path,
    script: Path = ROOT / "app.py",
    variables: Mapping[str, str] = NONE,
    working_directory: Path = ROOT,
) -> Iterator[tuple[str, Path]]:
    """Serve the app; yield its address and its weights folder. Its log is folder/log.txt."""
    weights = committed_weights.copy_to(folder / "weights")
    server = start(
        weights,
        folder / "log.txt",
        script,
        variables=variables,
        working_directory=working_directory,
    )
    try:
        yield server.url, weights
    finally:
        server.process.terminate()
        server.process.wait(PATIENCE)


class Server(NamedTuple):
    """The address of a running server, and its process."""

    url: str
    process: subprocess.Popen


def start(
    weights: Path,
    log: Path,
    script: Path = ROOT / "app.py",
    *options: str,
    port: int | None = None,
    variables: Mapping[str, str] = NONE,
    working_directory: Path = ROOT,
) -> Server:
    """Start the app on a weights folder, with options for Streamlit, and wait until it answers.

    Its output is appended to the log. Its environment is this process's, with `variables` added.
    """
    port = port or _free_port()
    ours = [f"--server.port={port}", "--server.headless=true", *options]
    with log.open("a") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", str(script), *ours],
            cwd=working_directory,
            stdout=file,
            stderr=file,
            env={
                **os.environ,
                **variables,
                "MNIST_APP_WEIGHTS": str(weights),
                "PYTHONPATH": os.pathsep.join(
                    filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])
                ),
            },
        )
    server = Server(f"http://127.0.0.1:{port}", process)
    try:
        _wait_for(server.url, process)
    except BaseException:
        process.kill()
        raise
    return server


def clean(weights: Path) -> None:
    """End the runs in a server's weights folder, and leave only the committed weights and caches.

    This way, the next test need not wait for the runs of the previous one.
    """
    for path in (weights / ".runs").glob("*/process.json"):
        with suppress(OSError, ValueError, KeyError, TypeError):
            os.kill(json.loads(path.read_text())["pid"], signal.SIGKILL)
    committed_weights.restore(weights, ".cache")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for(url: str, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError("the app ended while starting")
        try:
            with urllib.request.urlopen(url + "/_stcore/health", timeout=2):
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"the app did not start in {PATIENCE} s")
