"""The app as if it were installed: its package elsewhere, and a user's data folder of its own."""

from pathlib import Path

import platformdirs
import pytest

from mnist_app.common import settings


def pretend_installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the settings take the app for installed in `folder`/site.

    The user's data folder is `folder`/user.

    Returns:
        The folder of the networks that come with the app, which is empty.
    """
    shipped = folder / "site" / "mnist_app" / "shipped" / "weights"
    shipped.mkdir(parents=True)
    monkeypatch.setattr(settings, "PACKAGE", folder / "site" / "mnist_app")
    monkeypatch.setattr(platformdirs, "user_data_path", lambda *_, **__: folder / "user")
    for name in ("MNIST_APP_WEIGHTS", "MNIST_APP_DATA"):
        monkeypatch.delenv(name, raising=False)
    return shipped
