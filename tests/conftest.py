"""Fixtures for all tests: synthetic data, separate folders, and real MNIST if it is available.

No test reads the user's own results, data sets or caches, and none reaches the internet. By
default, a test's weights folder is a copy of the committed weights, its data folder is empty, and
downloads fail at once. `real_data` gives a test the real MNIST; without MNIST, the test is skipped.
`MNIST_APP_TEST_DATA` is the folder to take it from (`none`: pretend that there is no MNIST).
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import committed_weights
import pytest
import serve

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from mnist_app.data.labelled_images import Digits
    from mnist_app.runs import fork_client

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"
# Nothing listens on this port, so every download is refused at once.
DEAD_PROXY = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
LOCAL = {"no_proxy": f"127.0.0.1,localhost,::1,{serve.LAPTOP}"}


def _real_data() -> Path | None:
    wanted = os.environ.get("MNIST_APP_TEST_DATA")
    places = [os.environ.get("MNIST_APP_DATA"), SHARED, ROOT / "data"]
    if wanted:
        places = [] if wanted == "none" else [wanted]
    # Look for files, because a failed download leaves an empty folder.
    return next(
        (Path(p).resolve() for p in places if p and any(Path(p).glob("MNIST/raw/*-ubyte"))), None
    )


REAL_DATA = _real_data()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if REAL_DATA is None:
        skip = pytest.mark.skip(reason="needs MNIST: set MNIST_APP_DATA to a folder that holds it")
        for item in items:
            if "mnist" in item.keywords or "real_data" in getattr(item, "fixturenames", ()):
                item.add_marker(skip)


@pytest.fixture(scope="session")
def committed_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the committed weights: the default weights folder. Tests must not write to it."""
    return committed_weights.copy_to(tmp_path_factory.mktemp("committed"))


@pytest.fixture(autouse=True, scope="session")
def isolated(committed_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep tests away from the user's results and data sets, and from the internet."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNIST_APP_WEIGHTS", str(committed_folder))
        patch.setenv("MNIST_APP_DATA", str(tmp_path_factory.mktemp("no-data")))
        for name, value in (DEAD_PROXY | LOCAL).items():
            patch.setenv(name, value)
            patch.setenv(name.upper(), value)
        yield


@pytest.fixture(scope="session")
def data_at_hand(isolated: None) -> Path:
    """The folder with the real MNIST, or an empty one."""
    return REAL_DATA or Path(os.environ["MNIST_APP_DATA"])


@pytest.fixture
def real_data(monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MNIST_APP_DATA", str(REAL_DATA))
    return REAL_DATA


@pytest.fixture
def weights_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "weights"
    monkeypatch.setenv("MNIST_APP_WEIGHTS", str(folder))
    return folder


@pytest.fixture
def stripes() -> "Digits":
    """200 images that are easy to learn: digit d is a bright bar in rows 2d + 4 and 2d + 5."""
    import torch

    from mnist_app.data.labelled_images import Digits

    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(10).repeat(20)
    images = torch.randint(0, 60, (200, 28, 28), generator=generator).to(torch.uint8)
    for image, label in zip(images, labels.tolist(), strict=True):
        image[2 * label + 4 : 2 * label + 6, 4:24] = 255
    return Digits(images, labels, "stripes")


@pytest.fixture(scope="module")
def chromium() -> "Iterator[Browser]":
    """A Chromium for one file's tests: while it is open, no other event loop can run.

    Its camera shows a test picture.
    """
    from chromium import installed
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=installed(),
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
                f"--host-resolver-rules=MAP {serve.LAPTOP} 127.0.0.1",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server_of_processes() -> "fork_client._Server":
    from mnist_app.runs import fork_client

    return fork_client._Server()


@pytest.fixture
def fork_server(server_of_processes: "fork_client._Server") -> Iterator[None]:
    """On Linux, start a test's runs and jobs from a process that has already loaded torch."""
    import warm_starts

    if sys.platform != "linux":
        yield
        return
    with warm_starts.shared(server_of_processes):
        yield


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "data"
    monkeypatch.setenv("MNIST_APP_DATA", str(place))
    return place


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any user can read, unlike those in tmp_path."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)
