"""The drawing on the canvas, read by several networks, side by side."""

from collections.abc import Sequence

import streamlit as st

from mnist_app.common.errors import InputError
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
            "Nothing is drawn yet: draw a digit in the Draw tab, and all networks read it here."
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
        "The bars are probabilities, if it is a digit; how sure is calibrated on each "
        "network's validation digits. Less sure than its own threshold is “not a digit”."
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
                place.progress(number / len(infos), f"{info.name} reads …")
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
    words = "no digit" if most == "?" else f"**{most}**"
    if answers.count(most) == len(answers) > 1:
        return f"All {len(answers)} networks read {words}."
    others = " The others have an orange frame." if len(answers) > 1 else ""
    return f"{answers.count(most)} of {len(answers)} networks read {words}.{others}"
