"""Draw a digit, see what a neural network makes of it, train such networks live."""

import streamlit as st

from mnist_app.ui import draw, markup, plain_canvas, shared, sidebar, train

st.set_page_config(page_title="Digits", page_icon="✏️", layout="wide", initial_sidebar_state=340)
st.html(markup.STYLE)

st.session_state["outside_state"] = shared.outside_state()
network = sidebar.show()
draw_tab, train_tab = st.tabs(["Draw", "Train"], key="tab", on_change="rerun", bind="query-params")

with draw_tab:
    draw.show(network)
if train_tab.open:
    with train_tab:
        train.show()
else:
    sidebar.watch()
plain_canvas.hide_toolbar()
