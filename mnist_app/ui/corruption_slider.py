"""A slider for how much images are degraded, which the program can set back."""

import streamlit as st

from mnist_app.data.corruptions import CORRUPTIONS
from mnist_app.ui import session


def render(
    kind: str, label: str, step: float, key: str, *, number_format: str, tip: str | None = None
) -> float:
    """Draw the slider, and return the amount. At first it leaves images as they are.

    Args:
        kind: a key of CORRUPTIONS.
        label: the text above the slider.
        step: between two amounts, in the corruption's unit.
        key: the slider's key.
        number_format: of the amount, in the style of printf.
        tip: an explanation.
    """
    corruption = CORRUPTIONS[kind]
    # Not as the slider's own default: `reset` sets its value, and Streamlit warns about both.
    st.session_state.setdefault(key, float(corruption.neutral))
    return st.slider(
        label,
        float(corruption.least),
        float(corruption.most),
        step=step,
        key=key,
        format=number_format,
        help=tip,
        **session.PERSISTENT,
    )


def reset(kind: str, key: str) -> None:
    """Set a slider to the amount that leaves images as they are."""
    st.session_state[key] = float(CORRUPTIONS[kind].neutral)
