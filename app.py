"""Draw a digit, see what a neural network makes of it, train such networks live."""

import streamlit as st

from mnist_app.common import memory
from mnist_app.ui import style
from mnist_app.ui.draw import tab as draw
from mnist_app.ui.server import garbage_collection, hardening, rerun_queue

rerun_queue.install()
hardening.harden()
memory.give_back_freed_memory()
st.set_page_config(page_title="Digits", page_icon="✏️", layout="wide", initial_sidebar_state=340)
st.html(style.sheet("page"))
st.sidebar.title("Digits", anchor=False)


def choose():
    """The network to draw with. Torch comes with it, after the canvas."""
    from mnist_app.ui.sidebar import panel as sidebar

    return sidebar.current_choice()


TABS = "Draw", "Train", "Data", "Evaluate", "Compare"
draw_tab, *other_tabs = st.tabs(TABS, key="tab", on_change="rerun", bind="query-params")
train_tab, data_tab, evaluate_tab, compare_tab = other_tabs
notes = [] if draw.is_loaded() else [place.empty() for place in (st.sidebar, *other_tabs)]
for note in notes:
    note.caption("Loading …")
st.session_state["awaited"] = {}  # what the parts of the page wait for is told anew by each
with draw_tab:
    draw.render(choose)

from mnist_app.ui import polling  # noqa: E402
from mnist_app.ui.draw.reasons import panels as reasons  # noqa: E402
from mnist_app.ui.sidebar import panel as sidebar  # noqa: E402, as they load torch

for note in notes:
    note.empty()
with draw_tab:
    reasons.render(choose, is_seen=bool(draw_tab.open))
st.session_state["outside_state"] = polling.outside_state()
chosen = sidebar.render()
if train_tab.open:
    from mnist_app.ui.train import tab as train

    with train_tab:
        train.render()
elif data_tab.open:
    from mnist_app.ui.data import tab as data_page

    with data_tab:
        data_page.render()
elif evaluate_tab.open:
    from mnist_app.ui.evaluate import tab as evaluate

    with evaluate_tab:
        evaluate.render(chosen)
elif compare_tab.open:
    from mnist_app.ui.compare import tab as compare

    with compare_tab:
        compare.render()
if not train_tab.open and not compare_tab.open:  # those two look by themselves
    polling.poll_for_changes()
garbage_collection.freeze_library_objects()
