"""The Evaluate tab's images: mistakes and random test images, with the network's answers."""

import math
from collections.abc import Sequence

import numpy as np
import streamlit as st

from mnist_app.data.labelled_images import Digits
from mnist_app.figures.tiles import Tile, tiles
from mnist_app.recognition.assessment import Assessment
from mnist_app.ui.clickable import clickable
from mnist_app.ui.markdown import escaped
from mnist_app.ui.session import current_session

MOST_SHOWN = 60  # images of a cell, or mistakes
RANDOM_IMAGES = 40


def render(result: Assessment, test: Digits) -> None:
    """Draw the view.

    Args:
        result: the network's assessment on the test images.
        test: the test images.
    """
    wrong = result.mistakes
    st.markdown(
        f"**The worst mistakes** ({len(wrong):,} of {result.n:,} are wrong; the surest first)"
    )
    with st.container(key="mistakes"):
        if len(wrong):
            render_tiles(result, test, wrong[:MOST_SHOWN], "mistake_tiles")
        else:
            st.caption("Every image was read right.")
    st.markdown("**Random test images**")
    _random_images(result, test)


def _random_images(result: Assessment, test: Digits) -> None:
    memory = current_session().data
    if st.button("Others", icon=":material/casino:", key="other_images"):
        memory.test_images_seed += 1
    seed = memory.test_images_seed
    places = np.random.default_rng(seed).permutation(result.n)[:RANDOM_IMAGES]
    with st.container(key="random_images_shown"):
        render_tiles(result, test, places, "random_tiles")
    right = int(result.right[places].sum())
    st.caption(f"✓ {right} right, ✗ {len(places) - right} wrong; seed {seed}.")


def render_tiles(
    result: Assessment, test: Digits, places: Sequence[int] | np.ndarray, key: str
) -> None:
    """Draw test images with the network's answers; a click tells more about one.

    Args:
        result: the network's assessment on the test images.
        test: the test images.
        places: the indices of the test images to draw.
        key: the widget's key.
    """
    described = [_tile(result, int(place)) for place in places]
    images = test.images[np.asarray(places)].numpy()
    clicked = clickable(tiles(images, described), key=key)
    if clicked and clicked.isdecimal() and int(clicked) in places:
        _one(result, test, int(clicked), key)


def _tile(result: Assessment, place: int) -> Tile:
    label, answer, sure = result.labels[place], result.answers[place], result.confidence[place]
    right = label == answer
    percent = f"{math.floor(100 * sure)}%"  # never rounded up to 100%
    caption = f"{answer} · {percent}" if right else f"{label} → {answer} · {percent}"
    words = f"A {label}, read as {answer} with {sure:.1%}"
    return Tile(str(place), caption, words, "right" if right else "wrong")


def _one(result: Assessment, test: Digits, place: int, key: str) -> None:
    order = np.argsort(-result.chances[place], kind="stable")[:3]
    guesses = ", ".join(f"{digit} with {result.chances[place][digit]:.1%}" for digit in order)
    with st.container(key=f"{key}_one", horizontal=True, vertical_alignment="center"):
        st.image(np.kron(test.images[place].numpy(), np.ones((5, 5), np.uint8)), width=140)
        st.write(
            f"Test image {place:,} of {escaped(test.name)}, a **{result.labels[place]}**. "
            f"Read as {guesses}."
        )
