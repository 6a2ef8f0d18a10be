"""The Evaluate tab's images: mistakes and random test images, with the network's answers."""

import math
from collections.abc import Sequence

import numpy as np
import streamlit as st

from mnist_app.common.translation import _, ngettext
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
    title = ngettext(
        "**The worst mistakes** ({wrong:,} of {n:,} is wrong; highest confidence first)",
        "**The worst mistakes** ({wrong:,} of {n:,} are wrong; highest confidence first)",
        len(wrong),
    )
    st.markdown(title.format(wrong=len(wrong), n=result.n))
    with st.container(key="mistakes"):
        if len(wrong):
            render_tiles(result, test, wrong[:MOST_SHOWN], "mistake_tiles")
        else:
            st.caption(_("Every image was read correctly."))
    st.markdown(_("**Random test images**"))
    _random_images(result, test)


def _random_images(result: Assessment, test: Digits) -> None:
    memory = current_session().data
    if st.button(_("Other images"), icon=":material/casino:", key="other_images"):
        memory.test_images_seed += 1
    seed = memory.test_images_seed
    places = np.random.default_rng(seed).permutation(result.n)[:RANDOM_IMAGES]
    with st.container(key="random_images_shown"):
        render_tiles(result, test, places, "random_tiles")
    right = int(result.right[places].sum())
    text = _("✓ {right} right, ✗ {wrong} wrong; seed {seed}.")
    st.caption(text.format(right=right, wrong=len(places) - right, seed=seed))


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
    words = _("{digit}, read as {answer} with {confidence:.1%} confidence").format(
        digit=label, answer=answer, confidence=sure
    )
    return Tile(str(place), caption, words, "right" if right else "wrong")


def _one(result: Assessment, test: Digits, place: int, key: str) -> None:
    order = np.argsort(-result.chances[place], kind="stable")[:3]
    guesses = ", ".join(f"{digit} ({result.chances[place][digit]:.1%})" for digit in order)
    text = _("Test image {number:,} of {dataset}, labelled **{digit}**. Most probable: {guesses}.")
    with st.container(key=f"{key}_one", horizontal=True, vertical_alignment="center"):
        st.image(np.kron(test.images[place].numpy(), np.ones((5, 5), np.uint8)), width=140)
        st.write(
            text.format(
                number=place,
                dataset=escaped(test.name),
                digit=result.labels[place],
                guesses=guesses,
            )
        )
