"""Neighbours: the training images nearest to the drawing in the network's own feature space."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import streamlit as st
import torch

from mnist_app.common.errors import InputError
from mnist_app.data import mnist
from mnist_app.data.labelled_images import Digits
from mnist_app.figures.tiles import Tile, tiles
from mnist_app.recognition import neighbours
from mnist_app.recognition.neighbours import NEAREST
from mnist_app.results.weights import WeightsInfo
from mnist_app.runs.jobs import Job
from mnist_app.ui import dataset_choice, permissions, polling
from mnist_app.ui.clickable import clickable
from mnist_app.ui.draw.reasons.panels import Subject
from mnist_app.ui.markdown import escaped

_COUNTS = "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"


def render(subject: Subject) -> None:
    """Show the 12 nearest with labels and distances, once the network has processed all images."""
    info = subject.choice.predictor.info
    if info is None:
        st.caption(
            "This network is still learning, and its features move with every step: the training "
            "images are compared once it is saved."
        )
        return
    if not mnist.is_downloaded():
        way = ", or download it here" if permissions.is_unlocked() else ""
        st.caption(f"MNIST is not on this machine: choose the bundled digits{way}.")
    name = dataset_choice.render_choice("neighbours_dataset")
    dataset = dataset_choice.load_or_explain(name, "neighbours_download")
    if dataset is not None:
        _among(subject, info, name, dataset.train)


def _among(subject: Subject, info: WeightsInfo, name: str, train: Digits) -> None:
    """Show the nearest training images of a data set, once the network has processed them all."""
    try:
        arguments = neighbours.job_arguments(info.name, name, train)
    except InputError as error:
        st.error(escaped(error))
        return
    index = polling.result_or_progress(Job("neighbours", arguments), "neighbours_again")
    if index is None:
        st.caption(
            f"{info.name} looks at all {len(train):,} training images of "
            f"{escaped(train.name)}, once; the result is kept."
        )
        return
    _nearest(subject, train, index.tensors["features"], info)


def _nearest(subject: Subject, train: Digits, index: torch.Tensor, info: WeightsInfo) -> None:
    image = torch.from_numpy(subject.prediction.image.copy())[None, None]
    model = subject.choice.predictor.model
    places, distances = subject.remembered(
        "neighbours", lambda: neighbours.nearest(index, model, image), train.fingerprint
    )
    labels = train.labels[places].tolist()
    with st.container(key="neighbours_shown"):
        if distances[0] == distances[-1]:
            st.warning(
                f"{info.name} sees no difference between these images: all are equally far away, "
                "and many more may be."
            )
        st.markdown(f"**{majority(labels)}**")
        _tiles(train, places, labels, distances)
    st.caption(
        f"Label and distance of the {len(places)} nearest of {len(train):,} training images of "
        f"{escaped(train.name)}: Euclidean, between the {index.shape[1]} numbers that go into "
        f"{info.name}'s last layer. {_what_it_saw(info, train)}"
    )


def _tiles(
    train: Digits, places: Sequence[int], labels: Sequence[int], distances: Sequence[float]
) -> None:
    """Show the images side by side, and below them the one that was clicked."""
    described = [
        Tile(str(place), f"{label} · {distance:.2f}", f"A {label}, distance {distance:.3f}")
        for place, label, distance in zip(places, labels, distances, strict=True)
    ]
    clicked = clickable(tiles(train.images[places].numpy(), described, 64), key="neighbours_tiles")
    if clicked and clicked.isdecimal() and int(clicked) in places:
        _one(train, int(clicked))


def _what_it_saw(info: WeightsInfo, train: Digits) -> str:
    is_all = info.fingerprint == train.fingerprint and info.trained_on in ("", train.name)
    learned = "these images" if is_all else escaped(info.trained_on or info.dataset)
    return f"It learned from {learned}."


def _one(train: Digits, place: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.image(np.kron(train.images[place].numpy(), np.ones((5, 5), np.uint8)), width=140)
        name, label = escaped(train.name), train.labels[place]
        st.write(f"Training image {place:,} of {name}, labelled **{label}**.")


def majority(labels: Sequence[int]) -> str:
    """Return a sentence about the labels of the nearest images."""
    (first, count), *others = Counter(labels).most_common()
    if not others:
        return f"All {len(labels)} nearest are {_many(first)}."
    rest = ", ".join(f"{_number(n)} {'is' if n == 1 else 'are'} {_many(d, n)}" for d, n in others)
    return f"{_number(count).capitalize()} of the {len(labels)} nearest are {_many(first)}; {rest}."


def _number(count: int) -> str:
    return _COUNTS[count] if count < len(_COUNTS) else str(count)


def _many(digit: int, count: int = NEAREST) -> str:
    if count == 1:
        return f"an {digit}" if digit == 8 else f"a {digit}"
    return f"{digit}s"
