"""What reading one drawing spends its time on, by Python's profiler."""

import cProfile
import inspect
import pstats
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import ndimage

from mnist_app import drawing
from mnist_app.predictor import Predictor

READING = {"the normal form": drawing.to_mnist, "the network": Predictor.logits}
FORM = {
    "ink against ground": drawing.ink_of,
    "cutting out": drawing._crop,
    "the working size": drawing._to_working_size,
    "stray dots": drawing.without_specks,
    "the width of the strokes": drawing._with_standard_strokes,
    "scaling": drawing._scale,
    "centring": drawing._centre,
}
TRANSFORM = "of all that, scipy's distance transforms"
REST = "the rest"
ROUNDS = 5

Shares = dict[str, float]


def shares(predictor: Predictor, drawings: Sequence[np.ndarray]) -> dict[str, Shares]:
    """Shares (0..1) of an answer and of its normal form.

    Args:
        predictor: whose answers are looked at.
        drawings: uint8 (H, W, 4) each.
    """
    predictor.predict(drawings[0])  # warm
    profiled = cProfile.Profile()
    for _ in range(ROUNDS):
        for rgba in drawings:
            profiled.runcall(predictor.predict, rgba)
    stats = pstats.Stats(profiled).stats  # type: ignore[attr-defined]
    callers = (drawing.to_mnist, drawing.normal_form)
    form = _shares(stats, FORM, drawing.to_mnist, callers)
    transforms = _seconds(stats, ndimage.distance_transform_edt)
    form[TRANSFORM] = transforms / _seconds(stats, drawing.to_mnist)
    return {"answer": _shares(stats, READING, Predictor.predict), "normal_form": form}


def _shares(
    stats: dict[Any, Any],
    parts: dict[str, Callable[..., Any]],
    whole: Callable[..., Any],
    callers: Sequence[Callable[..., Any]] = (),
) -> Shares:
    """What each part takes of the whole: wherever it is called, or by these callers alone."""
    total = _seconds(stats, whole)
    found = {name: _seconds(stats, part, callers) / total for name, part in parts.items()}
    return found | {REST: 1 - sum(found.values())}


def _seconds(
    stats: dict[Any, Any], function: Callable[..., Any], callers: Sequence[Callable[..., Any]] = ()
) -> float:
    """Seconds in a function and all that it calls."""
    *_, taken, by = stats[_key(function)]
    return sum(by[_key(one)][-1] for one in callers if _key(one) in by) if callers else taken


def _key(function: Callable[..., Any]) -> tuple[str, int, str]:
    """How the profiler calls a function."""
    code = inspect.unwrap(function).__code__
    return code.co_filename, code.co_firstlineno, code.co_name
