"""The Evaluate tab's summary: metrics, the confusion matrix, and the images behind it."""

import shlex

import numpy as np
import streamlit as st

from mnist_app.data.labelled_images import Digits
from mnist_app.figures.confusion_table import confusion_table
from mnist_app.recognition.assessment import Assessment
from mnist_app.results.weights import WeightsInfo
from mnist_app.training import metrics
from mnist_app.ui import style
from mnist_app.ui.clickable import clickable
from mnist_app.ui.evaluate import images
from mnist_app.ui.markdown import escaped, inline_code
from mnist_app.ui.session import current_session


def render(result: Assessment, info: WeightsInfo, test: Digits, dataset: str) -> None:
    """Draw the view.

    Args:
        result: the network's assessment on the test images.
        info: the facts about the network.
        test: the test images.
        dataset: their data set's name on the command line.
    """
    _metrics(result)
    low, high = result.interval
    trained_on = info.trained_on or info.dataset
    command = f"python -m mnist_app evaluate {info.name} --dataset {shlex.quote(dataset)}"
    st.caption(
        f"n = {result.n:,} test images of {escaped(test.name)}; the accuracy's 95% interval is "
        f"{low:.2%} to {high:.2%}. {info.name} was trained on {escaped(trained_on)}, seed "
        f"{info.seed}; {inline_code(command)}"
    )
    table, behind = st.columns([1.25, 1], gap="large")
    with table:
        cell = _confusion(result)
    with behind:
        _cell(result, test, cell)
    _per_digit(result)


def _metrics(result: Assessment) -> None:
    precision, recall, f1 = metrics.averaged(metrics.per_digit(result.confusion))
    with st.container(horizontal=True, key="metrics"):
        st.metric("Accuracy", f"{result.accuracy:.2%}", help="Share of the test images read right.")
        st.metric("Precision", f"{precision:.2%}", help="Mean over the ten digits.")
        st.metric("Recall", f"{recall:.2%}", help="Mean over the ten digits.")
        st.metric("F1", f"{f1:.2%}", help="Mean over the ten digits.")


def _confusion(result: Assessment) -> tuple[int, int] | None:
    """Draw the confusion matrix; return the clicked cell, digit and answer, or None."""
    st.markdown("**Confusion matrix**")
    st.html(style.sheet("confusion"))
    memory = current_session().data
    chosen = memory.confusion_cell
    with st.container(key="confusion"):
        clicked = clickable(confusion_table(result.confusion, chosen), key="confusion_matrix")
    if clicked and clicked != chosen:
        memory.confusion_cell = clicked
        st.rerun()
    if not chosen:
        return None
    digit, answer = chosen.split("-")
    return int(digit), int(answer)


def _cell(result: Assessment, test: Digits, cell: tuple[int, int] | None) -> None:
    """Show the images behind a cell; before a click, those of the most frequent mistake."""
    if cell is None and not len(result.mistakes):
        st.caption("Every image was read right. Click a cell for the images behind it.")
        return
    digit, answer = cell or _most_frequent_mistake(result.confusion)
    places = result.taken_for(digit, answer)
    words = f"{digit} read as {answer}" if digit != answer else f"{digit} read right"
    with st.container(key="cell_images"):
        st.markdown(f"**{words}: {len(places):,} image{'s' * (len(places) != 1)}**")
        shown = places[: images.MOST_SHOWN]
        if len(places) > len(shown):
            st.caption(f"The {images.MOST_SHOWN} surest of them.")
        if len(places):
            images.render_tiles(result, test, shown, "cell_tiles")
        else:
            st.caption("There are none.")
        if cell is None:
            st.caption("The most frequent mistake. Click a cell for the images behind it.")


def _most_frequent_mistake(matrix: np.ndarray) -> tuple[int, int]:
    mistakes = matrix - np.diag(np.diag(matrix))
    digit, answer = np.unravel_index(mistakes.argmax(), mistakes.shape)
    return int(digit), int(answer)


def _per_digit(result: Assessment) -> None:
    st.markdown("**Per digit**")
    scores = metrics.per_digit(result.confusion)
    mean, weighted = metrics.averaged(scores), metrics.averaged(scores, weighted=True)
    rows = [str(digit) for digit in range(10)] + ["mean", "mean by images"]
    columns = {
        name: [100 * value for value in (*getattr(scores, name.lower()), mean[i], weighted[i])]
        for i, name in enumerate(("Precision", "Recall", "F1"))
    }
    shares = st.column_config.NumberColumn(format="%.2f%%")
    st.dataframe(
        {"Digit": rows, **columns, "Images": [*scores.support, result.n, result.n]},
        hide_index=True,
        column_config=dict.fromkeys(columns, shares),
        key="per_digit",
        height="content",
    )
