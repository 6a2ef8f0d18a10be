"""Fixtures for all tests: data made up in memory, folders of their own, real MNIST if at hand."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from mnist_app.data.labelled_images import Digits

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"


def _real_data() -> Path | None:
    places = [os.environ.get("MNIST_APP_DATA"), SHARED, ROOT / "data"]
    # A download that failed leaves the folder empty.
    return next((Path(p) for p in places if p and any(Path(p).glob("MNIST/raw/*-ubyte"))), None)


REAL_DATA = _real_data()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if REAL_DATA is None:
        skip = pytest.mark.skip(reason="needs MNIST: set MNIST_APP_DATA")
        for item in items:
            if "mnist" in item.keywords:
                item.add_marker(skip)


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
def stripes() -> Digits:
    """200 images that any network learns at once: digit d is a bright bar in row 2d + 4."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(10).repeat(20)
    images = torch.randint(0, 60, (200, 28, 28), generator=generator).to(torch.uint8)
    for image, label in zip(images, labels.tolist(), strict=True):
        image[2 * label + 4 : 2 * label + 6, 4:24] = 255
    return Digits(images, labels, "stripes")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "data"
    monkeypatch.setenv("MNIST_APP_DATA", str(place))
    monkeypatch.setenv("no_proxy", "*")
    return place


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any user can reach, as those of tmp_path are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)
