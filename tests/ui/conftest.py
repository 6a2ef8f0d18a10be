"""What the tests of the page share."""

import pytest

from mnist_app.runs import processes


@pytest.fixture(autouse=True)
def _no_fork_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is only drawn starts no process that loads torch."""
    monkeypatch.setattr(processes, "prepare_to_start", lambda: None)
