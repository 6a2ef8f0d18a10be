"""Why this answer: three methods that show which pixels speak for a digit."""

from collections.abc import Iterator

import numpy as np
import streamlit as st
import torch
from torch import Tensor

from mnist_app.common.translation import _
from mnist_app.figures.data_urls import picture_url
from mnist_app.figures.heatmaps import (
    Captioned,
    captioned,
    color_bar,
    diverging,
    limit_of,
    over_digit,
    sequential,
)
from mnist_app.recognition import explain
from mnist_app.recognition.explain import Integrated
from mnist_app.training.evaluation import CLASSES
from mnist_app.ui import session, style
from mnist_app.ui.draw.reasons.panels import Subject

_AS_READ = -1


def render(subject: Subject) -> None:
    """Show saliency, integrated gradients and Grad-CAM over the image that the network saw."""
    target = _target(subject)
    digit = _words(target)
    found = subject.gradually("why", lambda: _attributions(subject, target), target)
    if isinstance(found, float):
        st.progress(found, _("Following the gradients …"))
        return
    saliency, integrated, cam = found
    image = subject.prediction.image
    pictures = [
        _saliency(saliency, image, digit),
        _integrated(integrated, image, digit),
        _grad_cam(cam, image, digit),
    ]
    st.html(style.sheet("reasons") + captioned(pictures))


def _target(subject: Subject) -> int:
    """Let the user choose the logit to explain, and return it."""
    outputs = CLASSES + (subject.choice.predictor.recipe.non_digits > 0)
    nearest = subject.nearest
    labels = {_AS_READ: _("as read: {digit}").format(digit=nearest)} | {
        i: _name(i) for i in range(outputs)
    }
    chosen = st.segmented_control(
        _("What speaks for …"),
        list(labels),
        default=_AS_READ,  # also if the chosen logit is missing
        format_func=labels.__getitem__,
        required=True,
        key="why_digit",
        **session.PERSISTENT,
    )
    return nearest if chosen in (_AS_READ, None) else chosen  # a browser may send no choice


def _name(target: int) -> str:
    return str(target) if target < CLASSES else _("not a digit")


def _words(target: int) -> str:
    return _("the {digit}").format(digit=target) if target < CLASSES else _("“not a digit”")


def _attributions(
    subject: Subject, target: int
) -> Iterator[float | tuple[Tensor, Integrated, Tensor | None]]:
    """Yield the share that is done, 0..1, again and again, then all three attributions."""
    model = subject.choice.predictor.model
    image = torch.from_numpy(subject.prediction.image.copy())[None, None]
    yield 0.0
    saliency = explain.saliency(model, image, target)
    yield 0.0
    cam = explain.grad_cam(model, image, target)
    for found in explain.integrated_gradients_steps(model, image, target):
        yield found if isinstance(found, float) else (saliency, found, cam)


def _saliency(values: Tensor, image: np.ndarray, digit: str) -> Captioned:
    heat, limit = values.numpy(), limit_of(values.numpy())
    return Captioned(
        _("Saliency"),
        _(
            "Bright pixels would move the logit of {digit} most, up or down, if they changed a "
            "little. Many are beside the strokes."
        ).format(digit=digit),
        picture_url(over_digit(heat, image, sequential, limit)),
        _("Saliency over the digit"),
        color_bar(limit, _("logits per pixel, black to white"), signed=False),
    )


def _integrated(found: Integrated, image: np.ndarray, digit: str) -> Captioned:
    heat = found.values.numpy()
    limit = limit_of(heat)
    steps = _("{n} steps").format(n=found.steps)
    if not found.is_complete:
        miss = abs(found.total - found.difference)
        steps = _("{n} steps, off by {miss:.2g}").format(n=found.steps, miss=miss)
    text = _(
        "Ink in orange speaks for {digit}, ink in blue against it. All pixels add up to "
        "{total:+.2f}; from a blank image to this one the logit changes by {difference:+.2f} "
        "({steps})."
    )
    return Captioned(
        _("Integrated gradients"),
        text.format(digit=digit, total=found.total, difference=found.difference, steps=steps),
        picture_url(over_digit(heat, image, diverging, limit)),
        _("Integrated gradients over the digit"),
        color_bar(limit, _("logits that a pixel adds"), signed=True),
    )


def _grad_cam(cam: Tensor | None, image: np.ndarray, digit: str) -> Captioned:
    if cam is None:
        return Captioned(
            "Grad-CAM", _("This network has no convolution, so there are no maps to look at.")
        )
    limit = limit_of(cam.numpy())
    return Captioned(
        "Grad-CAM",
        _(
            "The regions where the last convolution finds what speaks for {digit}. They are as "
            "coarse as its maps."
        ).format(digit=digit),
        picture_url(over_digit(cam.numpy(), image, sequential, limit)),
        _("Grad-CAM over the digit"),
        color_bar(limit, _("weighted activation"), signed=False),
    )
