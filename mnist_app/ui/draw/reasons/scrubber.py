"""Scrubber: the drawing replayed along the pen's path, with the network's answers on the way."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from mnist_app.common.translation import N_, _, ngettext
from mnist_app.drawing import pen
from mnist_app.drawing.drawing import CanvasStroke
from mnist_app.figures.plot_style import PLOTLY_CONFIG
from mnist_app.figures.timeline_chart import NOTHING, Moment, timeline
from mnist_app.recognition.predictor import Prediction
from mnist_app.ui.draw.reasons.digit_parts import strokes_in_box, strokes_up_to
from mnist_app.ui.draw.reasons.panels import Subject

STEPS = 40


def render(subject: Subject) -> None:
    """Show the ten probabilities along the pen's path, with a slider and a play button."""
    if not subject.drawing.strokes:
        st.caption(_("A picture has no strokes: draw on the canvas to see them replayed."))
        return
    strokes = _strokes(subject)
    if not strokes:
        st.caption(_("The strokes of this digit cannot be told apart from its neighbour's."))
        return
    with st.spinner(_("Drawing it again …")):
        moments = subject.remembered("scrubber", lambda: _moments(subject, strokes))
    with st.container(key="scrubber_chart"):
        st.plotly_chart(timeline(moments), key="scrubber", config=PLOTLY_CONFIG)
    st.caption(_words(moments, len(strokes)))


def _strokes(subject: Subject) -> Sequence[CanvasStroke]:
    """Return the strokes of the digit that is explained."""
    strokes = subject.drawing.strokes
    return strokes if subject.is_alone else strokes_in_box(strokes, subject.found.box)


def _moments(subject: Subject, strokes: Sequence[CanvasStroke]) -> list[Moment]:
    shares = np.arange(1, STEPS + 1) / STEPS
    side = max(subject.drawing.rgba.shape[:2])
    drawings = [
        pen.canvas_rgba(pen.draw_canvas(strokes_up_to(strokes, share), side=side))
        for share in shares
    ]
    predictions = subject.choice.predictor.predict_many(drawings)
    return [_moment(share, one) for share, one in zip(shares.tolist(), predictions, strict=True)]


def _moment(share: float, prediction: Prediction) -> Moment:
    answer = N_("not a digit") if prediction.digit is None else str(prediction.digit)
    if prediction.is_blank:
        answer = NOTHING  # the eraser may have removed all ink
    return Moment(
        share, prediction.probabilities.tolist(), prediction.confidence, answer, prediction.image
    )


def _words(moments: list[Moment], strokes: int) -> str:
    """Say from which moment on the answer was the final one."""
    final, since = moments[-1].answer, moments[-1].share
    for moment in reversed(moments):
        if moment.answer != final:
            break
        since = moment.share
    known = _("From {share:.0%} of the pen's path on, the answer is {answer}.")
    text = ngettext(
        "{moments} moments of {n} stroke, evenly spaced along the pen's path. The probabilities "
        "are those of the ten digits, if it is one.",
        "{moments} moments of {n} strokes, evenly spaced along the pen's path. The probabilities "
        "are those of the ten digits, if it is one.",
        strokes,
    ).format(moments=STEPS, n=strokes)
    return f"{known.format(share=since, answer=_(final))} {text}"
