"""How much is tried: a little of each kind by default, all of it with MNIST_APP_TORTURE=1."""

import os
from typing import TypeVar

T = TypeVar("T")
IS_WHOLE = os.environ.get("MNIST_APP_TORTURE", "") == "1"


def scaled(short: T, whole: T) -> T:
    """How often, or with what, something is tried: `whole` with MNIST_APP_TORTURE=1."""
    return whole if IS_WHOLE else short
