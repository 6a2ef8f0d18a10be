"""What the normal form of a drawing spends its time on, by Python's profiler."""

import cProfile
import inspect
import pstats
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from scipy import ndimage

from mnist_app.drawing import drawing, normal_form, stray_dots
from mnist_app.drawing.drawing import Drawing
from mnist_app.drawing.normal_form import Form

FORM = {
    "ink against ground": drawing._ink_of,
    "cutting out": normal_form._crop,
    "the working size": Form.mask.func,
    "stray dots": stray_dots.without_stray_dots,
    "the width of the strokes": normal_form._standardise_strokes,
    "scaling": normal_form._fill_box,
    "centring": normal_form._centre_mass,
}
CALLERS = (
    Drawing.ink.func,
    normal_form.normal_form,
    normal_form._drop_specks,
    cached_property.__get__,  # of a form's mask
)
REST = "the rest"
ROUNDS = 5

Shares = dict[str, float]


def shares(drawings: Sequence[np.ndarray]) -> tuple[Shares, float]:
    """Shares (0..1) of the normal form: of its steps, and of scipy's distance transforms in them.

    Args:
        drawings: uint8 (H, W, 4) each.
    """
    normal_form.to_mnist(drawings[0])  # warm
    profiled = cProfile.Profile()
    for _ in range(ROUNDS):
        for rgba in drawings:
            profiled.runcall(normal_form.to_mnist, rgba)
    stats = pstats.Stats(profiled).stats  # type: ignore[attr-defined]
    total = _seconds(stats, normal_form.to_mnist)
    found = {name: _seconds(stats, step, CALLERS) / total for name, step in FORM.items()}
    transforms = _seconds(stats, ndimage.distance_transform_edt) / total
    return found | {REST: 1 - sum(found.values())}, transforms


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
