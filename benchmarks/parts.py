"""Where the time goes in computing a drawing's normal form, by Python's profiler."""

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
    cached_property.__get__,  # for a form's mask
)
REST = "the rest"
ROUNDS = 5

Shares = dict[str, float]


def shares(drawings: Sequence[np.ndarray]) -> tuple[Shares, float]:
    """Return the shares (0..1) of time of the normal form's steps, and of distance transforms.

    Args:
        drawings: uint8 (H, W, 4) each.
    Returns:
        (share of each step; share of scipy's distance transforms, which are part of the steps).
    """
    normal_form.to_mnist(drawings[0])  # warm up
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
    """Return the seconds in a function and everything it calls; only for `callers`, if given."""
    *_, taken, by = stats[_key(function)]
    return sum(by[_key(one)][-1] for one in callers if _key(one) in by) if callers else taken


def _key(function: Callable[..., Any]) -> tuple[str, int, str]:
    """Return the profiler's key for a function."""
    code = inspect.unwrap(function).__code__
    return code.co_filename, code.co_firstlineno, code.co_name
