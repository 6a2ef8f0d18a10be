"""The Evaluate tab's summary: metrics, the confusion matrix, and the images behind it."""

import shlex

import numpy as np
import streamlit as st

from mnist_app.common.translation import _, ngettext
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
        _(
            "n = {n:,} test images of {dataset}; the {level} interval of the accuracy is "
            "{low:.2%} to {high:.2%}. {network} was trained on {trained_on}, seed {seed}. On the "
            "command line: {command}"
        ).format(
            n=result.n,
            dataset=escaped(test.name),
            level="95%",
            low=low,
            high=high,
            network=info.name,
            trained_on=escaped(trained_on),
            seed=info.seed,
            command=inline_code(command),
        )
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
        help_text = _("The share of the test images that were read correctly.")
        st.metric(_("Accuracy"), f"{result.accuracy:.2%}", help=help_text)
        help_text = _("The mean over the ten digits.")
        st.metric(_("Precision"), f"{precision:.2%}", help=help_text)
        st.metric(_("Recall"), f"{recall:.2%}", help=help_text)
        st.metric("F1", f"{f1:.2%}", help=help_text)


def _confusion(result: Assessment) -> tuple[int, int] | None:
    """Draw the confusion matrix; return the clicked cell, digit and answer, or None."""
    st.markdown(_("**Confusion matrix**"))
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
        st.caption(_("Every image was read correctly. Click a cell to see its images."))
        return
    digit, answer = cell or _most_frequent_mistake(result.confusion)
    places = result.taken_for(digit, answer)
    with st.container(key="cell_images"):
        st.markdown(_title(digit, answer, len(places)))
        shown = places[: images.MOST_SHOWN]
        if len(places) > len(shown):
            st.caption(_("The {n} with the highest confidence.").format(n=len(shown)))
        if len(places):
            images.render_tiles(result, test, shown, "cell_tiles")
        else:
            st.caption(_("There are none."))
        if cell is None:
            st.caption(_("This is the most frequent mistake. Click a cell to see its images."))


def _title(digit: int, answer: int, n: int) -> str:
    if digit == answer:
        text = ngettext(
            "**{digit} read correctly: {n:,} image**", "**{digit} read correctly: {n:,} images**", n
        )
    else:
        text = ngettext(
            "**{digit} read as {answer}: {n:,} image**",
            "**{digit} read as {answer}: {n:,} images**",
            n,
        )
    return text.format(digit=digit, answer=answer, n=n)


def _most_frequent_mistake(matrix: np.ndarray) -> tuple[int, int]:
    mistakes = matrix - np.diag(np.diag(matrix))
    digit, answer = np.unravel_index(mistakes.argmax(), mistakes.shape)
    return int(digit), int(answer)


def _per_digit(result: Assessment) -> None:
    st.markdown(_("**Per digit**"))
    scores = metrics.per_digit(result.confusion)
    mean, weighted = metrics.averaged(scores), metrics.averaged(scores, weighted=True)
    rows = [str(digit) for digit in range(10)] + [_("mean"), _("mean, weighted by images")]
    columns = {
        name: [100 * value for value in (*of_digits, mean[i], weighted[i])]
        for i, (name, of_digits) in enumerate(
            ((_("Precision"), scores.precision), (_("Recall"), scores.recall), ("F1", scores.f1))
        )
    }
    shares = st.column_config.NumberColumn(format="%.2f%%")
    st.dataframe(
        {_("Digit"): rows, **columns, _("Images"): [*scores.support, result.n, result.n]},
        hide_index=True,
        column_config=dict.fromkeys(columns, shares),
        key="per_digit",
        height="content",
    )
