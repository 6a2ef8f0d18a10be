"""The Data tab's images: a gallery, and how one of them becomes the network's input."""

import streamlit as st
import torch

from mnist_app.common.translation import N_, _
from mnist_app.data.labelled_images import Digits
from mnist_app.figures import dataset_fragments
from mnist_app.figures.tiles import Tile, tiles
from mnist_app.ui import session
from mnist_app.ui.clickable import clickable

SIZE = 16  # images
ORDERS = (N_("First 16"), N_("Random"), N_("One digit"))
_WIDGET = "gallery"  # the key of the images to click


@st.fragment
def render(train: Digits) -> None:
    """Draw the view.

    Args:
        train: the training images of the data set.
    """
    gallery, steps = st.columns([1, 1.35], gap="large")
    with gallery:
        places = _places(train)
        chosen = _gallery(train, places)
    with steps, st.container(key="preprocessing"):
        image, label = train.images[chosen].numpy(), int(train.labels[chosen])
        text = _("**Image {number:,}, labelled {digit}**")
        st.markdown(text.format(number=chosen, digit=label))
        row = st.slider(_("Row"), 0, 27, 14, key="data_row", **session.PERSISTENT)
        st.html(dataset_fragments.preprocessing(image, label, row))


def _places(train: Digits) -> list[int]:
    """Return the indices of the images in the gallery."""
    order = st.segmented_control(
        _("Training images"),
        ORDERS,
        format_func=_,
        default=ORDERS[0],
        required=True,
        key="gallery_order",
        **session.PERSISTENT,
    )
    if order == "Random":
        return _random_places(len(train))
    if order == "One digit":
        digit = st.segmented_control(
            _("Digit"),
            range(10),
            default=0,
            required=True,
            key="gallery_digit",
            **session.PERSISTENT,
        )
        return list(map(int, (train.labels == digit).nonzero().flatten()[:SIZE]))
    return list(range(min(SIZE, len(train))))


def _random_places(n: int) -> list[int]:
    memory = session.current_session().data
    if st.button(_("Other images"), icon=":material/casino:", key="gallery_others"):
        memory.gallery_seed += 1
    generator = torch.Generator().manual_seed(memory.gallery_seed)
    return list(map(int, torch.randperm(n, generator=generator)[:SIZE]))


def _gallery(train: Digits, places: list[int]) -> int:
    """Show the images, and return the index of the one last clicked; before a click, the first."""
    state = st.session_state.get(_WIDGET)
    clicked = state.get("clicked") if state else None
    chosen = next((place for place in places if str(place) == clicked), places[0])
    described = [
        Tile(
            str(place),
            str(label),
            _("Image {number:,}, labelled {digit}").format(number=place, digit=label),
            "chosen" if place == chosen else "",
        )
        for place, label in zip(places, train.labels[places].tolist(), strict=True)
    ]
    with st.container(key="gallery_tiles"):
        clickable(tiles(train.images[places].numpy(), described, size=72), key=_WIDGET)
    return chosen
