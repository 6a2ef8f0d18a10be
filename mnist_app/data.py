"""Data sets as `Digits`, uint8 images in memory: MNIST, the bundled UCI digits, image folders."""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import redirect_stderr
from dataclasses import dataclass, replace
from functools import cached_property
from http.client import HTTPException
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from mnist_app import pen, rendering
from mnist_app.drawing import to_mnist
from mnist_app.pictures import read_picture
from mnist_app.recipes import Recipe
from mnist_app.settings import InputError, data_folder

# Size in bytes and MD5 of the four original files, unpacked.
MNIST_FILES = {
    "train-images-idx3-ubyte": (47_040_016, "6bbc9ace898e44ae57da46a324031adb"),
    "train-labels-idx1-ubyte": (60_008, "a25bea736e30d166cdddb491f175f624"),
    "t10k-images-idx3-ubyte": (7_840_016, "2646ac647ad5339dbf082846283269ea"),
    "t10k-labels-idx1-ubyte": (10_008, "27ae3e4e09519cfbb04c329615203637"),
}
_MNIST_DOWNLOAD_BYTES = 11_594_722 + sum(size for size, _ in MNIST_FILES.values())

BUNDLED = ("mnist", "digits")
IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg"}
_TEST_FRACTION = 0.2
_VALIDATION_COPIES = 2  # of the pen strokes, for half as many of them as images of MNIST
_TEST_SEED = 0  # data sets without a test set of their own keep the same one, whatever the recipe

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Digits:
    """Labelled images: uint8 (N, 28, 28), light ink on ground 0, and int64 labels (N,) 0..9.

    The label 10 marks what is no digit.
    """

    images: Tensor
    labels: Tensor
    name: str

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, indices: Tensor) -> "Digits":
        """The images at these indices, in their order."""
        return Digits(self.images[indices], self.labels[indices], self.name)

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits that tell this data from any other."""
        digest = hashlib.sha256(self.images.contiguous().numpy())
        digest.update(self.labels.contiguous().numpy())
        return digest.hexdigest()[:16]


class Dataset(NamedTuple):
    """A data set: the images to train and validate with, and the test images apart."""

    train: Digits
    test: Digits


class Parts(NamedTuple):
    """What one training uses of a data set."""

    train: Digits
    val: Digits
    test: Digits
    fingerprint: str  # of all training images, before the split


def to_input(images: Tensor) -> Tensor:
    """uint8 (N, 28, 28) to what networks take: float32 (N, 1, 28, 28) in [0, 1]."""
    return images.unsqueeze(1).float().div_(255)


def load_dataset(name: str, progress: Progress | None = None) -> Dataset:
    """Load a data set by its name.

    Args:
        name: "mnist", "digits", or the path of a folder with one sub-folder per digit.
        progress: called with what is being done and the share done, 0..1.
    Raises:
        InputError: it cannot be had; the message names the file and the remedy.
    """
    if name == "mnist":
        return load_mnist(progress=progress)
    return load_bundled() if name == "digits" else load_folder(Path(name).expanduser(), progress)


def prepare(recipe: Recipe, progress: Progress | None = None) -> Parts:
    """Load the recipe's data set, split off its validation images, take its subset.

    Raises:
        InputError: the data set cannot be had.
    """
    dataset = load_dataset(recipe.dataset, progress)
    train, val = split(dataset.train, recipe.validation_fraction, recipe.seed)
    train = take(train, recipe.subset, recipe.seed)
    train, val = _with_drawings(train, val, recipe, progress)
    return Parts(train, val, dataset.test, dataset.train.fingerprint)


def _with_drawings(
    train: Digits, val: Digits, recipe: Recipe, progress: Progress | None
) -> tuple[Digits, Digits]:
    """Add what the recipe wants drawn: its images again, pen strokes, drawings of no digit."""

    def say(text: str) -> Callable[[float], None]:
        return lambda share: progress(text, share) if progress else None

    if recipe.redrawn:
        images = take(train, round(len(train) * recipe.redrawn), recipe.seed)
        drawn = rendering.redraw(images.images, say("Drawing the digits on the canvas"))
        train = _joined(train, drawn, images.labels, "redrawn")
    strokes = load_pen_digits() if recipe.pen_copies else []
    if lacking(recipe):
        train = replace(train, name=f"{train.name} without pen strokes")
    ours, theirs, _ = rendering.split_writers(strokes, recipe.seed)
    if ours:
        told = say("Drawing the pen strokes")
        pens = rendering.draw_pen_digits(ours, recipe.pen_copies, recipe.seed, told)
        train = _joined(train, *pens, "pen strokes")
    if theirs:
        pens = rendering.draw_pen_digits(theirs, _VALIDATION_COPIES, recipe.seed)
        val = _joined(val, *pens, "pen strokes")
    if recipe.non_digits:
        told = say("Drawing what is no digit")
        nothing = rendering.draw_non_digits(recipe.non_digits, recipe.seed, ours, told)
        train = _joined(train, *nothing, "non-digits")
    return train, val


def load_pen_digits() -> list[pen.PenDigit]:
    """The pen strokes in the data folder's `pendigits`; none if it is not there.

    Source: UCI Pen-Based Recognition of Handwritten Digits (Alpaydin and Alimoglu 1998).
    """
    folder = _pen_folder()
    return pen.read_strokes(folder) if folder.is_dir() else []


def lacking(recipe: Recipe) -> str | None:
    """One sentence on what the recipe asks for and the data folder does not hold."""
    if not recipe.pen_copies or _pen_folder().is_dir():
        return None
    return (
        f"There are no pen strokes in {_pen_folder()}, so {recipe.name} learns without them: put "
        "pendigits-orig.tra of UCI's pen digits there for a network that knows real hands."
    )


def _pen_folder() -> Path:
    return data_folder() / "pendigits"


def _joined(digits: Digits, images: Tensor, labels: Tensor, name: str) -> Digits:
    return Digits(
        torch.cat([digits.images, images]),
        torch.cat([digits.labels, labels]),
        f"{digits.name} + {len(labels):,} {name}",
    )


def check_dataset(name: str) -> None:
    """Whether a folder can be a data set, from the names in it, before a training waits for it.

    Raises:
        InputError: it cannot; the message names the file and the remedy.
    """
    if not name.strip():
        raise InputError("No folder was given: type the path of a folder with sub-folders 0 to 9.")
    if name not in BUNDLED:
        _labelled_files(Path(name).expanduser())


def split(digits: Digits, fraction: float, seed: int) -> tuple[Digits, Digits]:
    """Split off a stratified share of every digit.

    Returns:
        (the rest, the share); the same ones for the same seed, both with every digit.
    Raises:
        InputError: some digit has too few images to stand on both sides.
    """
    generator = torch.Generator().manual_seed(seed)
    rest, share = [], []
    for digit in range(10):
        indices = (digits.labels == digit).nonzero().flatten()
        if len(indices) < 2:
            raise InputError(
                f"The data set {digits.name} has {len(indices)} image(s) of the digit {digit}: "
                "at least 2 of each are needed to train and to check."
            )
        indices = indices[torch.randperm(len(indices), generator=generator)]
        count = min(max(1, round(len(indices) * fraction)), len(indices) - 1)
        share.append(indices[:count])
        rest.append(indices[count:])
    return (
        digits.subset(torch.cat(rest).sort().values),
        digits.subset(torch.cat(share).sort().values),
    )


def take(digits: Digits, count: int | None, seed: int) -> Digits:
    """A stratified sample of about `count` images; all of them if count is None or too great."""
    if count is None or count >= len(digits):
        return digits
    return split(digits, count / len(digits), seed)[1]


# MNIST


def load_mnist(root: Path | None = None, progress: Progress | None = None) -> Dataset:
    """MNIST from `root` (default: the data folder), downloaded into it when absent.

    Source: LeCun, Cortes, Burges; 60,000 training and 10,000 test images.
    Raises:
        InputError: a file is damaged or foreign, or the download fails.
    """
    root = root or data_folder()
    raw = root / "MNIST" / "raw"
    try:
        missing = [name for name in MNIST_FILES if not (raw / name).is_file()]
        if missing:
            _download_mnist(root, missing[0], progress)
        for name, (size, md5) in MNIST_FILES.items():
            _verify(raw / name, size, md5)
        return Dataset(_mnist_part(root, train=True), _mnist_part(root, train=False))
    except PermissionError as error:
        raise InputError(
            f"No permission for {error.filename}: make {root} readable and writable, "
            "or set MNIST_APP_DATA to another folder."
        ) from None
    except OSError as error:
        raise InputError(
            f"MNIST cannot be kept in {root} ({error.strerror or error}): "
            "free space, or set MNIST_APP_DATA to another folder."
        ) from None


def _mnist_part(root: Path, train: bool) -> Digits:
    from torchvision.datasets import MNIST

    part = MNIST(str(root), train=train)
    return Digits(part.data, part.targets, "mnist")


def _verify(path: Path, size: int, md5: str) -> None:
    if path.stat().st_size != size:
        fault = f"has {path.stat().st_size:,} bytes instead of {size:,}"
    elif hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() != md5:
        fault = "is not MNIST's (its checksum differs)"
    else:
        return
    raise InputError(f"{path} {fault}: delete it, and it will be downloaded again.")


def _download_mnist(root: Path, missing: str, progress: Progress | None) -> None:
    """Download into a temporary folder and move the finished files: no half file is left."""
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root, prefix=".download-") as folder:
        try:
            _fetch(Path(folder), progress)
        except (OSError, RuntimeError, HTTPException) as error:
            if isinstance(error, PermissionError):
                raise
            raise InputError(
                f"{raw / missing} is missing and MNIST could not be downloaded "
                f"({_first_line(error)}): connect to the network, or set MNIST_APP_DATA to a "
                "folder that holds MNIST/raw, or take the data set 'digits', which needs none."
            ) from None
        for name in MNIST_FILES:
            if not (raw / name).exists():
                shutil.move(Path(folder) / "MNIST" / "raw" / name, raw / name)


def _fetch(folder: Path, progress: Progress | None) -> None:
    from torchvision.datasets import MNIST

    with ThreadPoolExecutor(1) as pool, redirect_stderr(StringIO()):
        download = pool.submit(MNIST, str(folder), download=True)
        while not download.done():
            if progress:
                done = sum(f.stat().st_size for f in _files_in(folder))
                progress("Downloading MNIST", min(done / _MNIST_DOWNLOAD_BYTES, 1.0))
            wait([download], timeout=0.2)
        download.result()


def _files_in(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__).rstrip(".")


# The bundled digits


def load_bundled() -> Dataset:
    """The 1,797 UCI digits that scikit-learn carries, brought into MNIST's format.

    The 8x8 images, tight around the digit, become the 20x20 box of MNIST's normal form, their
    centre of mass in the centre. A fifth is the test set, always the same.
    Source: Alpaydin & Kaynak 1998, Optical Recognition of Handwritten Digits.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    small = torch.from_numpy(bunch.images).float()[:, None] / 16  # (N, 1, 8, 8)
    box = functional.interpolate(small, size=(20, 20), mode="bicubic", align_corners=False)
    images = _centred(functional.pad(box, (4, 4, 4, 4)).clamp(0, 1).squeeze(1))
    labels = torch.from_numpy(bunch.target).long()
    digits = Digits((images * 255).round().to(torch.uint8), labels, "digits")
    return Dataset(*split(digits, _TEST_FRACTION, _TEST_SEED))


def _centred(images: Tensor) -> Tensor:
    """Shift each of (N, 28, 28) so that its centre of mass is in the centre, by whole pixels."""
    mass = images.sum(dim=(1, 2))
    place = torch.arange(28, dtype=images.dtype)
    down = (13.5 - (images.sum(dim=2) @ place) / mass).round().int().clamp(-4, 4)
    right = (13.5 - (images.sum(dim=1) @ place) / mass).round().int().clamp(-4, 4)
    shifted = [
        image.roll((dy, dx), dims=(0, 1))
        for image, dy, dx in zip(images, down.tolist(), right.tolist(), strict=True)
    ]
    return torch.stack(shifted)


# Folders of images


def load_folder(folder: Path, progress: Progress | None = None) -> Dataset:
    """A folder with one sub-folder per digit, PNG or JPEG of any size and mode.

    Pictures with a light ground are inverted, as networks expect light ink on a dark ground.
    28x28 pixels are taken as they are; other sizes are brought into the normal form that drawings
    get too. A fifth is the test set.
    Raises:
        InputError: the folder, a name or a picture in it is wrong; the message names it.
    """
    files = _labelled_files(folder)
    images = np.zeros((len(files), 28, 28), dtype=np.uint8)
    for i, (path, _) in enumerate(files):
        images[i] = _as_digit(path)
        if progress and i % 100 == 0:
            progress(f"Reading {folder.name}", i / len(files))
    labels = torch.tensor([digit for _, digit in files])
    digits = Digits(torch.from_numpy(images), labels, f"folder {folder.resolve().name}")
    return Dataset(*split(digits, _TEST_FRACTION, _TEST_SEED))


def _labelled_files(folder: Path) -> list[tuple[Path, int]]:
    if not folder.is_dir():
        raise InputError(
            f"There is no data set {str(folder)!r}: choose mnist, digits, or a folder with one "
            "sub-folder per digit, named 0 to 9."
        )
    try:
        names = {p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")}
        wrong = sorted(names - set("0123456789"))
        if wrong:
            raise InputError(
                f"{folder / wrong[0]} is not named after a digit: rename it 0 to 9, or choose a "
                "folder that holds the sub-folders 0 to 9 alone."
            )
        return [(path, digit) for digit in range(10) for path in _pictures_of(folder, digit)]
    except PermissionError as error:
        raise InputError(f"No permission to read {error.filename}: change its mode.") from None


def _pictures_of(folder: Path, digit: int) -> list[Path]:
    place = folder / str(digit)
    if not place.is_dir():
        raise InputError(f"{place} is missing: each digit 0 to 9 needs its sub-folder.")
    files = sorted(p for p in place.iterdir() if p.is_file() and p.suffix.lower() in IMAGE_SUFFIXES)
    if len(files) < 5:
        raise InputError(f"{place} holds {len(files)} PNG or JPEG pictures: put at least 5 there.")
    return files


def _as_digit(path: Path) -> np.ndarray:
    """A picture in the form of MNIST's digits, uint8 (28, 28)."""
    rgba = read_picture(path)
    if rgba.shape[:2] == (28, 28):
        return _light_on_dark(rgba)
    image = to_mnist(rgba)
    if image is None:
        raise InputError(f"{path} shows nothing: remove it.")
    return (image[0, 0].numpy() * 255).round().astype(np.uint8)


def _light_on_dark(rgba: np.ndarray) -> np.ndarray:
    """Pixels, uint8 (H, W, 4), as uint8 (H, W); a light ground is inverted."""
    alpha, ink = rgba[..., 3], np.asarray(Image.fromarray(rgba[..., :3]).convert("L"))
    light_ink = alpha.min() == 255 or not alpha.any() or np.average(ink, weights=alpha) > 127
    ground = Image.new("RGBA", (rgba.shape[1], rgba.shape[0]), "black" if light_ink else "white")
    grey = np.asarray(Image.alpha_composite(ground, Image.fromarray(rgba)).convert("L"))
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    return 255 - grey if np.median(border) > 127 else grey
