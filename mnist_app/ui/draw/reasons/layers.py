"""Inside the network: each layer's output for the drawing, and its filters."""

import streamlit as st
import torch
from markupsafe import Markup

from mnist_app.common.translation import _, language
from mnist_app.figures import layer_fragments
from mnist_app.recognition import explain
from mnist_app.ui import session, style
from mnist_app.ui.draw.reasons.panels import Subject


def render(subject: Subject) -> None:
    """Show all layers, from the image to the logits."""
    member, count = 0, explain.members_of(subject.choice.predictor.model)
    if count > 1:
        member = _member(count)
    st.caption(
        _(
            "What each layer makes of this drawing, from the image down to the logits. Orange is "
            "positive, blue is negative, black is zero; each layer has its own scale. Point at a "
            "unit to see its number."
        )
    )
    layers = subject.remembered("layers", lambda: _layers(subject, member), member, language())
    st.html(style.sheet("reasons") + layers)


def _layers(subject: Subject, member: int) -> Markup:
    image = torch.from_numpy(subject.prediction.image.copy())[None, None]
    layers = explain.layer_outputs(subject.choice.predictor.model, image, member)
    return Markup().join(
        layer_fragments.layer(seen, is_last=place == len(layers) - 1)
        for place, seen in enumerate(layers)
    )


def _member(count: int) -> int:
    place = st.segmented_control(
        _("It is {n} networks side by side: layers of").format(n=count),
        range(count),
        default=0,  # also if the chosen one is missing
        format_func=lambda place: _("network {number}").format(number=place + 1),
        required=True,
        key="layers_member",
        **session.PERSISTENT,
    )
    return place or 0  # a browser may send no choice
