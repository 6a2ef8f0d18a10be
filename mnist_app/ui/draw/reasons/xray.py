"""Preprocessing X-ray: switch the steps to the normal form on and off, and see the effect."""

from typing import NamedTuple

import streamlit as st
import torch

from mnist_app.common.translation import N_, _
from mnist_app.drawing.drawing import Drawing
from mnist_app.drawing.normal_form import STEPS, to_mnist
from mnist_app.figures.heatmaps import Variant, picture_and_bars, variants
from mnist_app.recognition.predictor import BLANK, Prediction
from mnist_app.ui import session, style
from mnist_app.ui.draw.reasons.digit_parts import digit_alone
from mnist_app.ui.draw.reasons.panels import Subject


class _Step(NamedTuple):
    label: str
    help: str  # what the step does, and what happens without it


_STEPS = {
    "crop": _Step(N_("Crop"), N_("Cut out the ink. Off: the whole canvas is taken for the digit.")),
    "specks": _Step(N_("Stray dots"), N_("Drop dots and taps beside the digit. Off: they stay.")),
    "thickness": _Step(
        N_("Thickness"), N_("Redraw in MNIST's stroke width. Off: as the brush drew it.")
    ),
    "scale": _Step(
        N_("Scale"), N_("Longest side 20 pixels. Off: the canvas becomes 28 pixels wide.")
    ),
    "centre": _Step(
        N_("Centre"), N_("Centre of mass to the centre. Off: the middle of what is left.")
    ),
}


def render(subject: Subject) -> None:
    """Show toggles, the answers with the chosen steps and with all, and with each one left out."""
    st.caption(
        _(
            "Five steps make your drawing look like one of MNIST's digits before the network sees "
            "it. Switch some off: does it still know what it sees?"
        )
    )
    with st.container(horizontal=True, key="xray_steps"):
        left_out = tuple(step for step in STEPS if not _toggle(step))
    digit = digit_alone(subject)
    predictions = subject.remembered(
        "xray", lambda: _predicted(subject, digit, [(), *((step,) for step in STEPS)])
    )
    (chosen,) = _predicted(subject, digit, [left_out])
    left, right = st.columns(2, gap="large")
    with left, st.container(key="xray_chosen"):
        names = ", ".join(_(_STEPS[step].label) for step in left_out)
        without = _("Without: {steps}").format(steps=names)
        _one(without if left_out else _("Your setting: all steps on"), chosen)
    with right, st.container(key="xray_all"):
        _one(_("All steps on"), predictions[0])
    st.markdown(_("**Each step left out alone**"))
    labels = [_(_STEPS[step].label) for step in STEPS]
    tried = list(map(Variant, labels, predictions[1:]))
    with st.container(key="xray_each"):
        st.html(style.sheet("reasons") + variants(tried))


def _toggle(step: str) -> bool:
    label, tip = _STEPS[step]
    return st.toggle(_(label), value=True, key=f"xray_{step}", help=_(tip), **session.PERSISTENT)


def _predicted(
    subject: Subject, digit: Drawing, settings: list[tuple[str, ...]]
) -> list[Prediction]:
    images = [to_mnist(digit, left_out) for left_out in settings]
    inked = [image for image in images if image is not None]
    if len(inked) < len(settings):
        return [BLANK] * len(settings)
    return subject.choice.predictor.predict_images(torch.cat(inked))


def _one(title: str, prediction: Prediction) -> None:
    st.markdown(f"**{title}**")
    st.html(style.sheet("reasons") + picture_and_bars(prediction))
