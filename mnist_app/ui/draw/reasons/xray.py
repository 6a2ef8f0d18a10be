"""Preprocessing X-ray: switch the steps to the normal form on and off, and see the effect."""

from typing import NamedTuple

import streamlit as st
import torch

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
    "crop": _Step("Crop", "Cut out the ink. Off: the whole canvas is taken for the digit."),
    "specks": _Step("Stray dots", "Drop dots and taps beside the digit. Off: they stay."),
    "thickness": _Step("Thickness", "Redraw in MNIST's stroke width. Off: as the brush drew it."),
    "scale": _Step("Scale", "Longest side 20 pixels. Off: the canvas becomes 28 pixels wide."),
    "centre": _Step("Centre", "Centre of mass to the centre. Off: the middle of what is left."),
}


def render(subject: Subject) -> None:
    """Show toggles, the answers with the chosen steps and with all, and with each one left out."""
    st.caption(
        "Between your drawing and the network stand five steps that make it look like MNIST's "
        "digits. Switch some off: does it still know what it sees?"
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
        names = ", ".join(_STEPS[step].label.lower() for step in left_out)
        _one(f"Without {names}" if left_out else "Your setting: all steps on", chosen)
    with right, st.container(key="xray_all"):
        _one("All steps on", predictions[0])
    st.markdown("**Each step left out alone**")
    labels = [_STEPS[step].label.lower() for step in STEPS]
    tried = list(map(Variant, labels, predictions[1:]))
    with st.container(key="xray_each"):
        st.html(style.sheet("reasons") + variants(tried))


def _toggle(step: str) -> bool:
    label, tip = _STEPS[step]
    return st.toggle(label, value=True, key=f"xray_{step}", help=tip, **session.PERSISTENT)


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
