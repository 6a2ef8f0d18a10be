"""The drawing on the canvas through several networks, side by side."""

from collections.abc import Sequence
from html import escape

import numpy as np
import streamlit as st

from mnist_app.common.errors import InputError
from mnist_app.drawing.drawing import Drawing
from mnist_app.figures import fragments
from mnist_app.figures.colors import DIGIT_COLORS
from mnist_app.recognition.predictor import Found, Prediction, number_text, with_threshold
from mnist_app.results.weights import WeightsInfo
from mnist_app.ui import loaded_networks, session
from mnist_app.ui.markdown import escaped

STYLE = """
<style>
.readings { display: grid; gap: .8rem;
  grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); }
.reading { border: 1px solid rgba(128,128,128,.35); border-radius: .6rem; padding: .7rem .9rem;
  display: grid; grid-template-columns: 4.6rem 1fr; gap: .2rem .9rem; align-items: center; }
.reading header { grid-column: 1 / -1; display: flex; justify-content: space-between; gap: .6rem;
  align-items: baseline; }
.reading header b { overflow-wrap: anywhere; }
.reading header small, .reading .rest { opacity: .75; white-space: nowrap; font-size: .85rem; }
.reading .read { font-size: 3.6rem; line-height: 4rem; font-weight: 700; text-align: center; }
.reading .read.none { font-size: 1.05rem; line-height: 1.3rem; opacity: .8; }
.reading .read.number { font-size: 2rem; }
.reading .rows { display: grid; grid-template-columns: 1rem 1fr 3.6rem; gap: .25rem .5rem;
  align-items: center; font-variant-numeric: tabular-nums; }
.reading .track { background: rgba(128,128,128,.16); border-radius: .25rem; height: .9rem;
  overflow: hidden; }
.reading .fill { height: 100%; }
.reading .rows > span:nth-child(3n) { text-align: right; }
.reading.other { border-color: #f28e2b; border-width: 2px; }
.reading.refused .fill { filter: grayscale(1); opacity: .45; }
@media (max-width: 640px) { .readings { grid-template-columns: 1fr; } }
</style>
"""


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
    st.html(STYLE)
    picture, cards = st.columns([1, 5])
    with picture, st.container(key="compared_drawing"):
        seen = next(iter(readings.values()))[0].prediction
        st.html(fragments.network_input(seen) if _is_one(readings) else _whole(drawing.rgba))
    with cards, st.container(key="readings"):
        st.markdown(_agreement(readings))
        st.html(cards_of(infos, readings))
    st.caption(
        "The bars are probabilities, if it is a digit; how sure is calibrated on each "
        "network's validation digits. Less sure than its own threshold is “not a digit”."
    )


def _is_one(readings: dict[str, list[Found]]) -> bool:
    return all(len(found) == 1 for found in readings.values())


def _whole(rgba: np.ndarray) -> str:
    picture = fragments.png_url(rgba[..., :3].max(axis=2) / 255)
    return f'<div class="seen"><img alt="The drawing" src="{picture}"></div>'


def _readings(infos: Sequence[WeightsInfo], drawing: Drawing) -> dict[str, list[Found]]:
    """What each network finds, by its name; the same drawing and file are read once."""
    old, now = st.session_state.get("readings", {}), {}
    readings, place = {}, st.empty()
    for number, info in enumerate(infos):
        try:
            choice = loaded_networks.predictor_for(info.name)
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
    st.session_state["readings"] = now
    return readings


def _agreement(readings: dict[str, list[Found]]) -> str:
    """One line on what most of them read."""
    answers = [number_text(found) for found in readings.values()]
    most = _most(readings)
    words = "no digit" if most == "?" else f"**{most}**"
    if answers.count(most) == len(answers) > 1:
        return f"All {len(answers)} networks read {words}."
    others = " The others have an orange frame." if len(answers) > 1 else ""
    return f"{answers.count(most)} of {len(answers)} networks read {words}.{others}"


def _most(readings: dict[str, list[Found]]) -> str:
    """What most networks read."""
    answers = [number_text(found) for found in readings.values()]
    return max(sorted(set(answers)), key=answers.count, default="")


def cards_of(infos: Sequence[WeightsInfo], readings: dict[str, list[Found]]) -> str:
    """A card for each network: its name, what it read, how sure it is, the likeliest digits."""
    most = _most(readings)
    cards = [_card(info, readings[info.name], most) for info in infos if info.name in readings]
    return f'<div class="readings">{"".join(cards)}</div>'


def _card(info: WeightsInfo, found: list[Found], most: str) -> str:
    head = (
        f"<header><b>{escape(info.name)}</b><small>test {info.test_accuracy:.1%}</small></header>"
    )
    refused = " refused" if len(found) == 1 and found[0].prediction.is_refused else ""
    other = " other" if number_text(found) != most else ""
    body = _one(found[0].prediction) if len(found) == 1 else _several(found)
    return f'<article class="reading{refused}{other}">{head}{body}</article>'


def _one(prediction: Prediction) -> str:
    read = '<div class="read none">not a digit</div>'
    if not prediction.is_refused:
        read = f'<div class="read">{prediction.digit}</div>'
    rows = "".join(_bar(digit, share) for digit, share in prediction.top(3))
    sure = f'<div class="rest">{prediction.confidence:.1%} sure</div>'
    return f'{read}<div><div class="rows">{rows}</div>{sure}</div>'


def _several(found: list[Found]) -> str:
    least = min(one.prediction.confidence for one in found)
    return (
        f'<div class="read number">{number_text(found)}</div>'
        f'<div class="rest">{len(found)} digits, the least sure {least:.1%}</div>'
    )


def _bar(digit: int, share: float) -> str:
    return (
        f'<span>{digit}</span><span class="track"><span class="fill" style="display:block;width:'
        f'{100 * share:.2f}%;background:{DIGIT_COLORS[digit]}"></span></span>'
        f"<span>{share:.1%}</span>"
    )
