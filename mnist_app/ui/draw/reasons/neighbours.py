"""Neighbours: the training images nearest to the drawing in the network's own feature space."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import streamlit as st
import torch

from mnist_app.common.errors import InputError
from mnist_app.common.translation import _
from mnist_app.data import mnist
from mnist_app.data.labelled_images import Digits
from mnist_app.figures.tiles import Tile, tiles
from mnist_app.recognition import neighbours
from mnist_app.results.weights import WeightsInfo
from mnist_app.runs.jobs import Job
from mnist_app.ui import dataset_choice, permissions, polling
from mnist_app.ui.clickable import clickable
from mnist_app.ui.draw.reasons.panels import Subject
from mnist_app.ui.markdown import escaped


def render(subject: Subject) -> None:
    """Show the 12 nearest with labels and distances, once the network has processed all images."""
    info = subject.choice.predictor.info
    if info is None:
        st.caption(
            _(
                "This network is still learning, and its features change with every step: the "
                "training images are compared once it is saved."
            )
        )
        return
    if not mnist.is_downloaded():
        st.caption(
            _("MNIST is not on this machine: choose the bundled digits, or download it here.")
            if permissions.is_unlocked()
            else _("MNIST is not on this machine: choose the bundled digits.")
        )
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
            _(
                "{name} looks at all {n:,} training images of {data} once; the result is kept."
            ).format(name=info.name, n=len(train), data=escaped(train.name))
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
                _(
                    "{name} sees no difference between these images: all are equally far away, "
                    "and many more may be."
                ).format(name=info.name)
            )
        st.markdown(f"**{majority(labels)}**")
        _tiles(train, places, labels, distances)
    text = _(
        "Label and distance of the {k} nearest of {n:,} training images of {data}. The distance is "
        "Euclidean, between the {features} numbers that go into {name}'s last layer. {learned}"
    )
    st.caption(
        text.format(
            k=len(places),
            n=len(train),
            data=escaped(train.name),
            features=index.shape[1],
            name=info.name,
            learned=_what_it_saw(info, train),
        )
    )


def _tiles(
    train: Digits, places: Sequence[int], labels: Sequence[int], distances: Sequence[float]
) -> None:
    """Show the images side by side, and below them the one that was clicked."""
    described = [
        Tile(str(place), f"{label} · {distance:.2f}", _tip(label, distance))
        for place, label, distance in zip(places, labels, distances, strict=True)
    ]
    clicked = clickable(tiles(train.images[places].numpy(), described, 64), key="neighbours_tiles")
    if clicked and clicked.isdecimal() and int(clicked) in places:
        _one(train, int(clicked))


def _what_it_saw(info: WeightsInfo, train: Digits) -> str:
    is_all = info.fingerprint == train.fingerprint and info.trained_on in ("", train.name)
    if is_all:
        return _("It learned from these images.")
    return _("It learned from {data}.").format(data=escaped(info.trained_on or info.dataset))


def _tip(label: int, distance: float) -> str:
    return _("Digit {label}, distance {distance:.3f}").format(label=label, distance=distance)


def _one(train: Digits, place: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.image(np.kron(train.images[place].numpy(), np.ones((5, 5), np.uint8)), width=140)
        name, label = escaped(train.name), train.labels[place]
        text = _("Training image {number:,} of {data}, labelled **{label}**.")
        st.write(text.format(number=place, data=name, label=label))


def majority(labels: Sequence[int]) -> str:
    """Return a sentence about the labels: how many of the nearest have the most frequent one."""
    (first, count), *others = Counter(labels).most_common()
    if not others:
        return _("All {n} nearest are {digit}s.").format(n=len(labels), digit=first)
    rest = ", ".join(_("{n} × {digit}").format(n=n, digit=digit) for digit, n in others)
    text = _("{count} of the {n} nearest are {digit}s; the others: {rest}.")
    return text.format(count=count, n=len(labels), digit=first, rest=rest)
