"""Does it hold? The image made worse step by step, with the probabilities beside it."""

import streamlit as st
import torch

from mnist_app.common.translation import N_, _
from mnist_app.data.corruptions import CORRUPTIONS, corrupt_all
from mnist_app.figures.heatmaps import picture_and_bars
from mnist_app.recognition.predictor import Prediction
from mnist_app.ui import corruption_slider, style
from mnist_app.ui.draw.reasons.panels import Subject

_KINDS = {  # the step of each slider and the format of its number
    "noise": (0.05, "%.2f"),
    "blur": (0.1, "%.1f px"),
    "rotation": (5.0, "%.0f°"),
    "shift": (0.5, "%.1f px"),
}
_LABELS = {
    "noise": N_("Noise"),
    "blur": N_("Blur"),
    "rotation": N_("Rotation"),
    "shift": N_("Shift"),
}
_HELP = {
    "noise": N_("Standard deviation, as a share of the range from black to white; seed 0."),
    "blur": N_("Standard deviation of a Gaussian, in pixels of the 28."),
    "rotation": N_("Anticlockwise."),
    "shift": N_("To the right, in pixels of the 28."),
}


def render(subject: Subject) -> None:
    """Show a slider for each corruption, and the picture and the answer before and after."""
    sliders, after, before = st.columns([1, 1.4, 1.4], gap="large")
    with sliders:
        amounts = {kind: _slider(kind) for kind in _KINDS}
        changed = any(amounts[kind] != CORRUPTIONS[kind].neutral for kind in _KINDS)
        st.button(_("Back to the drawing"), key="hold_reset", disabled=not changed, on_click=_reset)
    image = torch.from_numpy(subject.prediction.image.copy())[None, None]
    (worse,) = subject.choice.predictor.predict_images(corrupt_all(image, amounts))
    with after, st.container(key="hold_after"):
        _one(_verdict(subject.prediction, worse), worse)
    with before, st.container(key="hold_before"):
        _one(_("As drawn"), subject.prediction)


def _slider(kind: str) -> float:
    step, form = _KINDS[kind]
    return corruption_slider.render(
        kind, _(_LABELS[kind]), step, _key(kind), number_format=form, tip=_(_HELP[kind])
    )


def _key(kind: str) -> str:
    return f"hold_{kind}"


def _reset() -> None:
    for kind in _KINDS:
        corruption_slider.reset(kind, _key(kind))


def _verdict(before: Prediction, after: Prediction) -> str:
    text = _("Now read as {digit}, {confidence:.1%} sure")
    if after.digit is None:
        text = _("Not a digit: most like {digit}, {confidence:.1%} sure")
    elif after.nearest == before.nearest:
        text = _("Still read as {digit}, {confidence:.1%} sure")
    return text.format(digit=after.nearest, confidence=after.confidence)


def _one(title: str, prediction: Prediction) -> None:
    st.markdown(f"**{title}**")
    st.html(style.sheet("reasons") + picture_and_bars(prediction))
