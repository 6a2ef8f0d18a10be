"""A run's curves, with others laid over them, and how the network reads a drawing as it learns."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import plotly.graph_objects as go
import streamlit as st

from mnist_app.common import translation
from mnist_app.common.translation import _
from mnist_app.figures import training_charts as charts
from mnist_app.figures.plot_style import PLOTLY_CONFIG
from mnist_app.results import weights
from mnist_app.runs.event_log import Event
from mnist_app.runs.run import Run, RunStatus
from mnist_app.ui import loaded_networks, session


class Point(NamedTuple):
    """What the curves of a run show for one epoch."""

    epoch: int
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float


class Curve(NamedTuple):
    """The epochs of one run or result, under its name in the legend."""

    name: str
    points: tuple[Point, ...]


def render(now: RunStatus, others: Sequence[RunStatus]) -> None:
    """Draw the curves of a run.

    Args:
        now: the run.
        others: runs whose curves can be laid over it.
    """
    epochs = now.log.epochs
    shown = [_curve(now.id, epochs.values()), *_overlays(others)]
    if not any(curve.points for curve in shown):
        return
    accuracy, loss = figures_of(tuple(shown))
    left, right = st.columns(2)
    with left, st.container(key="accuracy_chart"):
        st.plotly_chart(accuracy, key="accuracy", config=PLOTLY_CONFIG)
    with right, st.container(key="loss_chart"):
        st.plotly_chart(loss, key="loss", config=PLOTLY_CONFIG)
    st.caption(
        _(
            "Training accuracy and loss are averaged over the epoch, with dropout and augmentation "
            "on. Validation is measured at the end of the epoch, with both off."
        )
    )
    if epochs:
        st.caption(_epoch_text(epochs[max(epochs)]))
    _digit_while_learning(now.run)


def figures_of(curves: tuple[Curve, ...]) -> tuple[go.Figure, go.Figure]:
    """Return the figures of accuracy and loss per epoch, in the language of the page.

    They are cached and shared by all sessions, so do not change them.
    """
    return _figures(curves, translation.language())


@lru_cache(16)
def _figures(
    curves: tuple[Curve, ...],
    language: str,  # noqa: ARG001, the cache's key
) -> tuple[go.Figure, go.Figure]:
    runs = {curve.name: [point._asdict() for point in curve.points] for curve in curves}
    return charts.accuracy_curves(runs), charts.loss_curves(runs)


def _curve(name: str, epochs: Iterable[Event]) -> Curve:
    thinned = charts.thinned(list(epochs))
    return Curve(name, tuple(Point(*(event[key] for key in Point._fields)) for event in thinned))


def _overlays(others: Sequence[RunStatus]) -> list[Curve]:
    """Return the curves of the other runs and saved results that the user lays over this one."""
    runs = {status.id: status for status in others if status.log.epochs}
    infos = {info.name: info for info in weights.list_weights()}
    chosen = st.multiselect(
        _("Overlay"),
        [*runs, *infos],
        key="overlays",
        placeholder=_("earlier runs and saved results"),
    )
    return [
        _curve(name, runs[name].log.epochs.values() if name in runs else infos[name].history)
        for name in chosen
    ]


def _digit_while_learning(run: Run) -> None:
    drawing = session.current_drawing()
    with st.container(key="digit_while_learning"):
        st.markdown(_("**Your digit while the network learns**"))
        if drawing is None:
            st.caption(_("Draw a digit in the Draw tab to see how the network reads it here."))
            return
        by_epoch = loaded_networks.probabilities_by_epoch(run, drawing)
        if by_epoch:
            figure = charts.digit_while_learning(by_epoch)
            st.plotly_chart(figure, key="digit_chart", config=PLOTLY_CONFIG)


def _epoch_text(event: Event) -> str:
    return _(
        "Epoch {epoch}: training {train_accuracy:.2%}, validation {val_accuracy:.2%}, learning "
        "rate {learning_rate:g}, {seconds:.1f} s, {images_per_second:,.0f} images/s"
    ).format(**event)
