"""Fixtures for the tests of the page."""

import pytest

from mnist_app.runs import processes


@pytest.fixture(autouse=True)
def _no_fork_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep pages that are only drawn from starting a process that loads torch."""
    monkeypatch.setattr(processes, "prepare_to_start", lambda: None)
