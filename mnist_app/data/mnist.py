"""MNIST: downloaded if it is missing, and verified."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from mnist_app.common.errors import InputError
from mnist_app.common.settings import data_folder
from mnist_app.common.translation import message
from mnist_app.data import mnist_download
from mnist_app.data.labelled_images import Dataset, Digits, Progress

# Size in bytes and MD5 of the four original files, unpacked.
MNIST_FILES = {
    "train-images-idx3-ubyte": (47_040_016, "6bbc9ace898e44ae57da46a324031adb"),
    "train-labels-idx1-ubyte": (60_008, "a25bea736e30d166cdddb491f175f624"),
    "t10k-images-idx3-ubyte": (7_840_016, "2646ac647ad5339dbf082846283269ea"),
    "t10k-labels-idx1-ubyte": (10_008, "27ae3e4e09519cfbb04c329615203637"),
}


def load_mnist(root: Path | None = None, progress: Progress | None = None) -> Dataset:
    """Load MNIST from `root` (default: the data folder), downloading it if it is missing.

    Source: LeCun, Cortes, Burges; 60,000 training and 10,000 test images.
    Raises:
        InputError: a file is damaged or not MNIST's, or the download fails.
    """
    root = root or data_folder()
    fetch(root, progress)
    raw = _raw_folder(root)
    with _said(root):
        contents = [_verified(raw / name, *known) for name, known in MNIST_FILES.items()]
        return Dataset(_digits(*contents[:2]), _digits(*contents[2:]))


def fetch(root: Path | None = None, progress: Progress | None = None) -> None:
    """Download the MNIST files missing in `root` (default: the data folder): all or none.

    Raises:
        InputError: the download fails.
    """
    root = root or data_folder()
    raw = _raw_folder(root)
    with _said(root):
        missing = {name: f for name, f in MNIST_FILES.items() if not (raw / name).is_file()}
        if not missing:
            return
        raw.mkdir(parents=True, exist_ok=True)
        try:
            mnist_download.download(raw, missing, progress)
        except PermissionError:
            raise
        except OSError as error:
            raise InputError(
                message(
                    "{path} is missing, and MNIST could not be downloaded ({reason}): connect to "
                    "the internet, set MNIST_APP_DATA to a folder with MNIST/raw, or choose the "
                    "data set 'digits', which needs no download.",
                    path=str(raw / next(iter(missing))),
                    reason=error.strerror or str(error),
                )
            ) from None


@contextmanager
def _said(root: Path) -> Iterator[None]:
    """Turn the system's errors about the data folder into an InputError of one sentence."""
    try:
        yield
    except PermissionError as error:
        raise InputError(
            message(
                "No permission for {path}: make {folder} readable and writable, or set "
                "MNIST_APP_DATA to another folder.",
                path=str(error.filename),
                folder=str(root),
            )
        ) from None
    except OSError as error:
        raise InputError(
            message(
                "MNIST cannot be stored in {folder} ({reason}): free some space, or set "
                "MNIST_APP_DATA to another folder.",
                folder=str(root),
                reason=error.strerror or str(error),
            )
        ) from None


def is_downloaded(root: Path | None = None) -> bool:
    """Return whether the four files exist, by default in the data folder; they may be damaged.

    If they exist, loading is quick and needs no internet connection.
    """
    raw = _raw_folder(root or data_folder())
    return all((raw / name).is_file() for name in MNIST_FILES)


def download_share() -> float | None:
    """Return the progress of the download into the data folder, 0..1.

    None if this process is not downloading into it.
    """
    return mnist_download.share_done(_raw_folder(data_folder()))


def _raw_folder(root: Path) -> Path:
    return root / "MNIST" / "raw"


def _digits(images: bytearray, labels: bytearray) -> Digits:
    """Convert the contents of two files to digits.

    The pixels follow a header of 16 bytes, the labels one of 8.
    """
    pixels = torch.frombuffer(images, dtype=torch.uint8, offset=16).view(-1, 28, 28)
    return Digits(pixels, torch.frombuffer(labels, dtype=torch.uint8, offset=8).long(), "mnist")


def _verified(path: Path, size: int, md5: str) -> bytearray:
    """Return a file's content if it is MNIST's; raise InputError otherwise."""
    content, found = bytearray(size), path.stat().st_size
    with path.open("rb") as file:
        read = file.readinto(content) if found == size else 0
    if read != size:
        raise InputError(
            message(
                "{path} has {found:,} bytes instead of {size:,}: delete it, and it will be "
                "downloaded again.",
                path=str(path),
                found=found,
                size=size,
            )
        )
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5:
        raise InputError(
            message(
                "{path} is not MNIST's (its checksum differs): delete it, and it will be "
                "downloaded again.",
                path=str(path),
            )
        )
    return content
