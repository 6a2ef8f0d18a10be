"""How much to test: a few cases of each kind by default, all with MNIST_APP_TORTURE=1."""

import os
from typing import TypeVar

T = TypeVar("T")
IS_WHOLE = os.environ.get("MNIST_APP_TORTURE", "") == "1"


def scaled(short: T, whole: T) -> T:
    """Return how many or which cases to test: `whole` with MNIST_APP_TORTURE=1, else `short`."""
    return whole if IS_WHOLE else short
