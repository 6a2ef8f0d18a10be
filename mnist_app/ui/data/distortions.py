"""The Data tab's distortions: how the chosen network reads images that are made worse."""

import numpy as np
import streamlit as st
import torch

from mnist_app.common.translation import _
from mnist_app.data.corruptions import CORRUPTIONS, corrupt_all
from mnist_app.data.labelled_images import Digits, take, to_input
from mnist_app.figures.evaluation_charts import corruption_label
from mnist_app.figures.tiles import Tile, tiles
from mnist_app.ui import corruption_slider
from mnist_app.ui.clickable import clickable
from mnist_app.ui.loaded_networks import Choice, ReadyChoice

SAMPLE = 20  # images
_STEPS = {"rotation": 5.0, "shift": 1.0, "blur": 0.25, "thickness": 0.25}


@st.fragment
def render(train: Digits, choice: Choice | None) -> None:
    """Draw the view.

    Args:
        train: the training images of the data set.
        choice: the network that reads them.
    """
    sample = take(train, SAMPLE, seed=0)
    sample = sample.subset(sample.labels.argsort(stable=True))
    shown = st.container(key="distorted")  # above the sliders, to stay in view while one is moved
    images = corrupt_all(to_input(sample.images), _sliders())
    labels = sample.labels.tolist()
    with shown:
        described = [Tile(str(i), str(label)) for i, label in enumerate(labels)]
        if isinstance(choice, ReadyChoice):
            described = _answered(choice, images, labels)
        pixels = (images[:, 0].numpy() * 255).round().astype(np.uint8)
        clickable(tiles(pixels, described, size=64), key="distorted_tiles")
        st.caption(
            _(
                "n = {n} training images, a stratified sample (seed 0). In the Evaluate tab, "
                "Robustness measures each distortion on 1,000 test images."
            ).format(n=len(labels))
        )


def _answered(choice: ReadyChoice, images: torch.Tensor, labels: list[int]) -> list[Tile]:
    """Say how many of the images, float32 (N, 1, 28, 28), are read right; return a tile each."""
    answers = [found.digit for found in choice.predictor.predict_images(images)]
    pairs = list(zip(labels, answers, strict=True))
    right = sum(label == answer for label, answer in pairs)
    text = _("**{network} gets {right} of these {n} right**")
    st.markdown(text.format(network=choice.key, right=right, n=len(labels)))
    return [_read(i, *pair) for i, pair in enumerate(pairs)]


def _read(number: int, label: int, answer: int | None) -> Tile:
    """Return the tile of one image, with the network's answer."""
    mark = "right" if answer == label else "wrong"
    if answer is None:
        words = _("{digit}, read as not a digit").format(digit=label)
        return Tile(str(number), f"{label} → ?", words, mark)
    words = _("{digit}, read as {answer}").format(digit=label, answer=answer)
    return Tile(str(number), f"{label} → {answer}", words, mark)


def _sliders() -> dict[str, float]:
    st.button(
        _("Reset"),
        icon=":material/undo:",
        key="distortions_reset",
        on_click=_reset,
        width="content",
    )
    columns = st.columns(3)
    amounts = {}
    for number, kind in enumerate(CORRUPTIONS):
        with columns[number % 3]:
            step = _STEPS.get(kind, 0.05)
            amounts[kind] = corruption_slider.render(
                kind, corruption_label(kind), step, _key(kind), number_format="%g"
            )
    return amounts


def _key(kind: str) -> str:
    """Return the key of a slider."""
    return f"distortion_{kind}"


def _reset() -> None:
    for kind in CORRUPTIONS:
        corruption_slider.reset(kind, _key(kind))
