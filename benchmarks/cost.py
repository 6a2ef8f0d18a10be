"""What one answer costs: size of the network, and milliseconds from a drawing to its answer."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from several import single

from mnist_app.drawing import to_mnist
from mnist_app.models import count_parameters
from mnist_app.pen import PenDigit
from mnist_app.predictor import Predictor

ROUNDS = 5


def measure(
    predictors: dict[str, Predictor], writers: list[PenDigit], count: int, seed: int
) -> list[dict[str, Any]]:
    """Size and times of each network, on the same drawings of 280 pixels, one at a time.

    Times are medians; the networks take turns, so that other work on the machine falls on all.
    """
    random = np.random.default_rng([seed, 5])
    drawings = [single(writers, random)[1] for _ in range(min(count, 50))]
    images = [to_mnist(rgba) for rgba in drawings]
    form: list[float] = []
    times: dict[str, list[float]] = {name: [] for name in predictors}
    for _ in range(ROUNDS):
        form += [_milliseconds(to_mnist, rgba) for rgba in drawings]
        for name, predictor in predictors.items():
            predictor.predict_images(images[0])  # warm
            times[name] += [_milliseconds(predictor.predict_images, image) for image in images]
    return [
        {
            "network": name,
            "parameters": count_parameters(predictor.model),
            "bytes": predictor.info.bytes,
            "normal_form_ms": statistics.median(form),
            "network_ms": statistics.median(times[name]),
            "n": len(times[name]),
            "threads": torch.get_num_threads(),
        }
        for name, predictor in predictors.items()
    ]


def _milliseconds(work: Callable[[Any], Any], argument: Any) -> float:
    start = time.perf_counter()
    work(argument)
    return 1000 * (time.perf_counter() - start)
