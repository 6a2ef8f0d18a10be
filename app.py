"""Draw a digit, see what a neural network makes of it, train such networks live."""

import streamlit as st

from mnist_app.ui import draw, plain_canvas, style

st.set_page_config(page_title="Digits", page_icon="✏️", layout="wide", initial_sidebar_state=340)
st.html(style.STYLE)
st.sidebar.title("Digits", anchor=False)


def choose():
    """The network to draw with. Torch comes with it, after the canvas."""
    from mnist_app.ui import sidebar

    return sidebar.choice()


draw_tab, train_tab = st.tabs(["Draw", "Train"], key="tab", on_change="rerun", bind="query-params")
plain_canvas.hide_toolbar()
notes = [] if draw.is_loaded() else [place.empty() for place in (st.sidebar, train_tab)]
for note in notes:
    note.caption("Loading …")
with draw_tab:
    draw.show(choose)

from mnist_app.ui import shared, sidebar  # noqa: E402, after the canvas, as they load torch

for note in notes:
    note.empty()
st.session_state["outside_state"] = shared.outside_state()
sidebar.show()
if train_tab.open:
    from mnist_app.ui import train

    with train_tab:
        train.show()
else:
    sidebar.watch()
