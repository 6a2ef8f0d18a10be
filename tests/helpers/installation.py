"""Pretend that the app is installed: in another folder, with a data folder for the user."""

from pathlib import Path

import platformdirs
import pytest

from mnist_app.common import settings


def pretend_installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the settings believe that the app is installed in `folder`/site.

    The user's data folder is `folder`/user.

    Returns:
        The folder of the networks that come with the app; it is empty.
    """
    shipped = folder / "site" / "mnist_app" / "shipped" / "weights"
    shipped.mkdir(parents=True)
    monkeypatch.setattr(settings, "PACKAGE", folder / "site" / "mnist_app")
    monkeypatch.setattr(platformdirs, "user_data_path", lambda *_, **__: folder / "user")
    for name in ("MNIST_APP_WEIGHTS", "MNIST_APP_DATA"):
        monkeypatch.delenv(name, raising=False)
    return shipped
