"""The bundled digits: scikit-learn's, brought into MNIST's format."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mnist_app.data.labelled_images import TEST_FRACTION, TEST_SEED, Dataset, Digits, split


def load_bundled() -> Dataset:
    """The 1,797 UCI digits that scikit-learn carries, brought into MNIST's format.

    The 8x8 images, tight around the digit, become the 20x20 box of MNIST's normal form, their
    centre of mass in the centre. A fifth is the test set, always the same.
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
    """64 pixels, 0 to 16, and the label of each digit: (1797, 65).

    The file is read without scikit-learn, which takes longer to import than a network to train.
    """
    spec = find_spec("sklearn")
    file = Path(spec.origin or "").parent / "datasets" / "data" / "digits.csv.gz" if spec else None
    if file and file.is_file():
        return np.loadtxt(file, delimiter=",", dtype=np.int64)
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return np.column_stack([bunch.data, bunch.target]).astype(np.int64)


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
