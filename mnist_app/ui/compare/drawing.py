"""The drawing on the canvas, read by several networks, side by side."""

from collections.abc import Sequence

import streamlit as st

from mnist_app.common.errors import InputError
from mnist_app.common.translation import _, ngettext
from mnist_app.drawing.drawing import Drawing
from mnist_app.figures import fragments
from mnist_app.figures.readings import most_frequent_reading, reading_cards
from mnist_app.recognition.predictor import Found, number_text, with_threshold
from mnist_app.results.weights import WeightsInfo
from mnist_app.ui import loaded_networks, session, style
from mnist_app.ui.markdown import escaped


def render(infos: Sequence[WeightsInfo]) -> None:
    """Read the session's drawing with each result's network."""
    drawing = session.current_drawing()
    if drawing is None:
        st.info(
            _(
                "Nothing is drawn yet: draw a digit in the Draw tab, and all networks will read it "
                "here."
            )
        )
        return
    readings = _readings(infos, drawing)
    if not readings:
        return
    st.html(style.sheet("readings"))
    picture, cards = st.columns([1, 5])
    with picture, st.container(key="compared_drawing"):
        seen = next(iter(readings.values()))[0].prediction
        is_one = _is_one(readings)
        st.html(fragments.network_input(seen) if is_one else fragments.whole_drawing(drawing.rgba))
    with cards, st.container(key="readings"):
        st.markdown(_agreement(readings))
        st.html(reading_cards(infos, readings))
    st.caption(
        _(
            "The bars show the probabilities if it is a digit. The confidence is calibrated on "
            "each network's validation digits; below its threshold, a network answers “not a "
            "digit”."
        )
    )


def _is_one(readings: dict[str, list[Found]]) -> bool:
    return all(len(found) == 1 for found in readings.values())


def _readings(infos: Sequence[WeightsInfo], drawing: Drawing) -> dict[str, list[Found]]:
    """Return what each network finds, by its name; a drawing is read once per weights file."""
    memory, now = session.current_session().compare, {}
    old = memory.readings
    readings, place = {}, st.empty()
    for number, info in enumerate(infos):
        try:
            choice = loaded_networks.result_named(info.name)
            key = (info.name, choice.version, drawing.key)
            if key not in old:
                place.progress(
                    number / len(infos), _("{network} is reading …").format(network=info.name)
                )
            now[key] = old.get(key) or choice.predictor.read_number(drawing)
        except (InputError, OSError) as error:
            st.warning(escaped(error))
            continue
        if now[key]:
            readings[info.name] = with_threshold(now[key], choice.predictor.calibration.threshold)
    place.empty()
    memory.readings = now
    return readings


def _agreement(readings: dict[str, list[Found]]) -> str:
    """Return one line on what most networks read."""
    answers = [number_text(found) for found in readings.values()]
    most = most_frequent_reading(readings)
    answer = _("not a digit") if most == "?" else most
    count, n = answers.count(most), len(answers)
    if count == n > 1:
        return _("All {n} networks say **{answer}**.").format(n=n, answer=answer)
    text = ngettext(
        "{count} of {n} networks says **{answer}**.",
        "{count} of {n} networks say **{answer}**.",
        count,
    ).format(count=count, n=n, answer=answer)
    return f"{text} {_('The others have an orange frame.')}" if n > 1 else text
