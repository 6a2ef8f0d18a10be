"""Runs and jobs whose processes need not load torch first, as in the app."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mnist_app.runs import fork_client, processes


def is_listening(address: str | None) -> bool:
    return f"@{address}" in Path("/proc/net/unix").read_text()


@contextmanager
def constant_environment() -> Iterator[None]:
    """A fork server takes requests from its own environment alone; pytest changes ours."""
    real = processes._environment

    def without_what_pytest_changes() -> dict[str, str]:
        return {key: text for key, text in real().items() if key != "PYTEST_CURRENT_TEST"}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processes, "_environment", without_what_pytest_changes)
        yield


@contextmanager
def shared(server: fork_client._Server) -> Iterator[None]:
    """Have this fork server start the processes; a new one where it has ended or died."""
    with pytest.MonkeyPatch.context() as patch, constant_environment():
        patch.setattr(fork_client, "_SERVER", server)
        processes.prepare_to_start()
        deadline = time.monotonic() + 60
        while not is_listening(server.address) and time.monotonic() < deadline:
            time.sleep(0.02)
        yield
