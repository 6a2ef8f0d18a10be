"""Files that would run code if they were unpickled. The app unpickles none of them."""

import io
import pickle
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch

from mnist_app.common.errors import InputError
from mnist_app.data import picture_folders, uploads
from mnist_app.data.mnist import MNIST_FILES, load_mnist
from mnist_app.drawing import pen
from mnist_app.drawing.pictures import decode_picture
from mnist_app.results import weights
from mnist_app.runs.run import list_runs, runs_folder


class Trap:
    """An object that creates a file when it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Callable, tuple[Path]]:
        return Path.touch, (self.place,)


def plain(trap: Trap) -> bytes:
    return pickle.dumps(trap)


def of_torch(trap: Trap) -> bytes:
    file = io.BytesIO()
    torch.save({"weight": trap}, file)  # a ZIP
    return file.getvalue()


def of_numpy(trap: Trap) -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([trap]))
    return file.getvalue()


def unpickled(data: bytes) -> None:
    if data.startswith(b"PK"):
        torch.load(io.BytesIO(data), weights_only=False)
    elif data.startswith(b"\x93NUMPY"):
        np.load(io.BytesIO(data), allow_pickle=True)
    else:
        pickle.loads(data)


def read_by_all(data: bytes, folder: Path) -> None:
    """Give the data to everything that reads a file from outside, under every name it reads."""
    run = runs_folder() / "0001-mine"
    raw = folder / "data" / "MNIST" / "raw"
    for path in (run / "recipe.json", run / "events.jsonl", run / "process.json", run / "x"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    raw.mkdir(parents=True)
    for name in MNIST_FILES:
        (raw / name).write_bytes(data)
    (weights.weights_folder() / "mine.safetensors").write_bytes(data)
    for suffix in ("json", "jsonl", "tra"):
        (folder / f"strokes.{suffix}").write_bytes(data)
        with suppress(InputError):
            pen.read_strokes(folder / f"strokes.{suffix}")
    (broken,) = weights.scan().broken
    assert broken.file == "mine.safetensors"
    assert not list_runs()
    for read in (
        lambda: weights.load("mine"),
        lambda: load_mnist(folder / "data"),
        lambda: decode_picture(data, "picture.png"),
        lambda: picture_folders.read_folder(io.BytesIO(data)),
        lambda: uploads.keep_upload("a.zip", io.BytesIO(data)),
    ):
        with pytest.raises(InputError):
            read()


@pytest.mark.parametrize("packed", [plain, of_torch, of_numpy])
def test_no_file_runs_code(packed, tmp_path, weights_folder):
    place = tmp_path / "trapped"
    data = packed(Trap(place))
    unpickled(data)
    assert place.exists()  # so the code does run when unpickled
    place.unlink()
    read_by_all(data, tmp_path)
    assert not place.exists()
