"""Start runs and jobs from a process that has already loaded torch, as the app does."""

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
    """Hide pytest's changes to our environment: a fork server only serves its own environment."""
    real = processes._environment

    def without_what_pytest_changes() -> dict[str, str]:
        return {key: text for key, text in real().items() if key != "PYTEST_CURRENT_TEST"}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processes, "_environment", without_what_pytest_changes)
        yield


@contextmanager
def shared(server: fork_client._Server) -> Iterator[None]:
    """Have this fork server start the processes, or a new one if it has ended or died."""
    with pytest.MonkeyPatch.context() as patch, constant_environment():
        patch.setattr(fork_client, "_SERVER", server)
        processes.prepare_to_start()
        deadline = time.monotonic() + 60
        while not is_listening(server.address) and time.monotonic() < deadline:
            time.sleep(0.02)
        yield
