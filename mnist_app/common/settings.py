"""Where data and weights live, and the error that a user is meant to read."""

import os
from pathlib import Path

from mnist_app.common.errors import InputError


def data_folder() -> Path:
    """The folder of data sets: `MNIST_APP_DATA`, by default `data/`."""
    return Path(os.environ.get("MNIST_APP_DATA", "data"))


def weights_folder() -> Path:
    """The folder of results: `MNIST_APP_WEIGHTS`, by default `weights/`."""
    return Path(os.environ.get("MNIST_APP_WEIGHTS", "weights"))


def parallel_runs() -> int:
    """How many trainings may run at once: `MNIST_APP_PARALLEL_RUNS`, by default 1."""
    text = os.environ.get("MNIST_APP_PARALLEL_RUNS", "1")
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f"MNIST_APP_PARALLEL_RUNS is {text!r}: set it to a whole number from 1.")
    return int(text)
