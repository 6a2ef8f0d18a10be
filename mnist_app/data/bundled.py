"""The bundled digits: scikit-learn's digits, converted to MNIST's format."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mnist_app.data.labelled_images import TEST_FRACTION, TEST_SEED, Dataset, Digits, split


def load_bundled() -> Dataset:
    """Load the 1,797 UCI digits that come with scikit-learn, converted to MNIST's format.

    Each 8x8 image fits tightly around its digit. It is enlarged to the 20x20 box of MNIST's normal
    form, with the centre of mass in the centre. A fifth of the images, always the same ones, is
    the test set.
    Source: Alpaydin & Kaynak 1998, Optical Recognition of Handwritten Digits.
    """
    table = torch.from_numpy(_uci_digits())
    small = table[:, :-1].float().reshape(-1, 1, 8, 8) / 16
    box = functional.interpolate(small, size=(20, 20), mode="bicubic", align_corners=False)
    images = _centred(functional.pad(box, (4, 4, 4, 4)).clamp(0, 1).squeeze(1))
    images = (images * 255).round().to(torch.uint8)
    digits = Digits(images, table[:, -1].clone(), "digits")
    return Dataset(*split(digits, TEST_FRACTION, TEST_SEED))


def _uci_digits() -> np.ndarray:
    """Return 64 pixels, 0 to 16, and the label of each digit: (1797, 65).

    The file is read without scikit-learn, which takes longer to import than a network takes to
    train.
    """
    spec = find_spec("sklearn")
    file = Path(spec.origin or "").parent / "datasets" / "data" / "digits.csv.gz" if spec else None
    if file and file.is_file():
        return np.loadtxt(file, delimiter=",", dtype=np.int64)
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return np.column_stack([bunch.data, bunch.target]).astype(np.int64)


def _centred(images: Tensor) -> Tensor:
    """Shift each image of (N, 28, 28) by whole pixels, at most 4, to centre its centre of mass."""
    mass = images.sum(dim=(1, 2))
    place = torch.arange(28, dtype=images.dtype)
    down = (13.5 - (images.sum(dim=2) @ place) / mass).round().int().clamp(-4, 4)
    right = (13.5 - (images.sum(dim=1) @ place) / mass).round().int().clamp(-4, 4)
    shifted = [
        image.roll((dy, dx), dims=(0, 1))
        for image, dy, dx in zip(images, down.tolist(), right.tolist(), strict=True)
    ]
    return torch.stack(shifted)
