"""The Data tab: what is in a data set, and what a network gets of it."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import streamlit as st
import torch

from mnist_app.data import catalogue
from mnist_app.data.archives import Skipped
from mnist_app.data.corruptions import CORRUPTIONS, corrupt_all
from mnist_app.data.labelled_images import Dataset, Digits, take, to_input
from mnist_app.figures import dataset_charts as charts
from mnist_app.figures import dataset_fragments
from mnist_app.figures.plot_style import PLOTLY_CONFIG
from mnist_app.figures.tiles import Tile, small_sheet_url, tiles
from mnist_app.recognition import embedding
from mnist_app.runs.jobs import Job
from mnist_app.ui import dataset_choice, polling, session, style
from mnist_app.ui.clickable import clickable
from mnist_app.ui.data.digit_map import digit_map
from mnist_app.ui.markdown import escaped
from mnist_app.ui.sidebar import panel as sidebar

VIEWS = ("Images", "Digits", "Map", "Distortions")
GALLERY = 16  # images
BATCH = 20  # images that the distortions are tried on
MOST_REASONS = 1000  # skipped files that are listed
ORDERS = ("First 16", "Random", "One digit")
MAPS = ("PCA", "t-SNE")
_STEPS = {"rotation": 5.0, "shift": 1.0, "blur": 0.25, "thickness": 0.25}


def render() -> None:
    """Draw the tab."""
    with st.container(key="data_tab"):
        st.html(style.sheet("data"))
        name = dataset_choice.render_choice("data_dataset")
        dataset = dataset_choice.load_or_explain(name, "data_download")
        if dataset is None:
            return
        _facts(name, dataset)
        view = st.segmented_control(
            "View", VIEWS, default=VIEWS[0], required=True, key="data_view", **session.PERSISTENT
        )
        if view == "Images":
            _images(dataset.train)
        elif view == "Digits":
            _digits(dataset)
        elif view == "Map":
            _map(name, dataset.train)
        else:
            _distortions(dataset.train)


def _facts(name: str, dataset: Dataset) -> None:
    train, test = dataset
    with st.container(key="data_facts"):
        st.caption(
            f"{escaped(train.name)}: {len(train):,} training and {len(test):,} test images, "
            "28 × 28 pixels, "
            f"fingerprint {train.fingerprint}"
        )
        if name in catalogue.BUNDLED:
            return
        counts = ", ".join(f"{digit}: {n:,}" for digit, n in enumerate(_counts(train, test)))
        st.caption(f"Pictures of each digit: {counts}. A fifth of each is the test set.")
        skipped = dataset_choice.skipped_files(name)
        if skipped:
            _skipped(skipped)
        dataset_choice.render_delete_button(name, "data_dataset")


def _counts(*parts: Digits) -> list[int]:
    return sum(torch.bincount(part.labels, minlength=10) for part in parts).tolist()


def _skipped(skipped: Sequence[Skipped]) -> None:
    n = len(skipped)
    label = "1 file was skipped" if n == 1 else f"{n:,} files were skipped"
    place = st.expander(label, key="data_skipped", on_change="rerun")
    if not place.open:
        return
    with place:
        reasons = Counter(file.problem for file in skipped).most_common(5)
        st.caption(" ".join(f"{count:,} × {escaped(problem)}" for problem, count in reasons))
        shown = skipped[:MOST_REASONS]
        st.dataframe(
            {"File": [f.name for f in shown], "Reason": [f.problem for f in shown]},
            hide_index=True,
            key="skipped_files",
        )
        if n > len(shown):
            st.caption(f"The first {MOST_REASONS:,} of {n:,}.")


# Images: a gallery, and the way of one of them to the network


@st.fragment
def _images(train: Digits) -> None:
    gallery, steps = st.columns([1, 1.35], gap="large")
    with gallery:
        places = _places(train)
        chosen = _gallery(train, places)
    with steps, st.container(key="preprocessing"):
        image, label = train.images[chosen].numpy(), int(train.labels[chosen])
        st.markdown(f"**Image {chosen:,}, labelled {label}**")
        row = st.slider("Row", 0, 27, 14, key="data_row", **session.PERSISTENT)
        st.html(dataset_fragments.preprocessing(image, label, row))


def _places(train: Digits) -> list[int]:
    """The places of the images in the gallery."""
    order = st.segmented_control(
        "Training images",
        ORDERS,
        default=ORDERS[0],
        required=True,
        key="gallery_order",
        **session.PERSISTENT,
    )
    if order == "Random":
        if st.button("Others", icon=":material/casino:", key="gallery_others"):
            st.session_state["gallery_seed"] = st.session_state.get("gallery_seed", 0) + 1
        generator = torch.Generator().manual_seed(st.session_state.get("gallery_seed", 0))
        return torch.randperm(len(train), generator=generator)[:GALLERY].tolist()
    if order == "One digit":
        digit = st.segmented_control(
            "Digit", range(10), default=0, required=True, key="gallery_digit", **session.PERSISTENT
        )
        return (train.labels == digit).nonzero().flatten()[:GALLERY].tolist()
    return list(range(min(GALLERY, len(train))))


def _gallery(train: Digits, places: list[int]) -> int:
    """Show the images; the place of the one that was clicked last, before that the first."""
    state = st.session_state.get("gallery")
    clicked = state.get("clicked") if state else None
    chosen = int(clicked) if clicked in map(str, places) else places[0]
    described = [
        Tile(
            str(place),
            str(label),
            f"Image {place:,}, labelled {label}",
            "chosen" if place == chosen else "",
        )
        for place, label in zip(places, train.labels[places].tolist(), strict=True)
    ]
    with st.container(key="gallery_tiles"):
        clickable(tiles(train.images[places].numpy(), described, size=72), key="gallery")
    return chosen


# Digits: how many, and how they look on average


def _digits(dataset: Dataset) -> None:
    train, test = dataset
    st.markdown("**How often each digit occurs**")
    with st.container(key="distribution"):
        figure = charts.distribution({"training": _counts(train), "test": _counts(test)})
        st.plotly_chart(figure, key="distribution_chart", config=PLOTLY_CONFIG)
    st.caption("Validation images are split off the training images, the same share of each digit.")
    st.markdown("**Mean and spread**")
    means, spreads = _averages(train.fingerprint, train)
    st.html(dataset_fragments.averages(means, spreads, _counts(train)))
    st.caption(
        "Above the mean of the training images of each digit, below the standard deviation of each "
        f"pixel: black 0, white {dataset_fragments.SPREAD_SHOWN:g} of the range or more."
    )


@st.cache_data(max_entries=8, show_spinner="Computing the means")
def _averages(
    fingerprint: str,  # noqa: ARG001, the cache's key
    _train: Digits,
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each digit's images, (10, 28, 28) each, in 0..1."""
    means, spreads = np.zeros((10, 28, 28)), np.zeros((10, 28, 28))
    for digit in range(10):
        images = to_input(_train.images[_train.labels == digit])[:, 0]
        spread, mean = torch.std_mean(images, dim=0, correction=0)
        means[digit], spreads[digit] = mean.numpy(), spread.numpy()
    return means, spreads


# Map


def _map(name: str, train: Digits) -> None:
    way = st.segmented_control(
        "Map by", MAPS, default=MAPS[0], required=True, key="data_map_by", **session.PERSISTENT
    )
    labels, sheet_url, plane, shares = _sampled(train.fingerprint, train)
    if way == "PCA":
        titles = [f"PC {i}, {share:.1%} of the variance" for i, share in enumerate(shares, 1)]
        points, how = plane, "principal component analysis"
    else:
        job = Job("embedding", embedding.job_arguments(name, train))
        found = polling.result_or_progress(job, "embedding_again")
        if found is None:
            return
        points, titles = found.tensors["points"].numpy(), ("t-SNE 1, no unit", "t-SNE 2, no unit")
        used = found.facts.get("perplexity") or embedding.perplexity(found.facts["n"])
        how = (
            f"t-SNE, perplexity {used:.3g}, {found.facts['iterations'] + 1:,} "
            f"iterations, seed {embedding.SEED}; what is near means something, what is far does not"
        )
    with st.container(key="data_map"):
        digit_map(points, labels, sheet_url, titles, key="digit_map")
    st.caption(
        f"n = {len(labels):,} training images, a stratified sample (seed {embedding.SEED}), by "
        f"{how}. Point at a digit, or tap it, to see its image; click the legend to see one digit "
        "alone."
    )


@st.cache_data(max_entries=8, show_spinner="Computing the map")
def _sampled(
    fingerprint: str,  # noqa: ARG001, the cache's key
    _train: Digits,
) -> tuple[np.ndarray, str, np.ndarray, list[float]]:
    """Of the sample: labels, the images as a sheet, their principal components, the shares."""
    sample = embedding.sample(_train)
    points, shares = embedding.principal(sample.images)
    return sample.labels.numpy(), small_sheet_url(sample.images.numpy()), points.numpy(), shares


# Distortions


@st.fragment
def _distortions(train: Digits) -> None:
    sample = take(train, BATCH, seed=0)
    sample = sample.subset(sample.labels.argsort(stable=True))
    shown = st.container(key="distorted")  # above the sliders, in view while one is moved
    images = corrupt_all(to_input(sample.images), _sliders())
    labels = sample.labels.tolist()
    choice = sidebar.current_choice()
    with shown:
        pixels = (images[:, 0].numpy() * 255).round().astype(np.uint8)
        if choice and choice.predictor:
            answers = [found.digit for found in choice.predictor.predict_images(images)]
            described = [
                _read(i, *pair) for i, pair in enumerate(zip(labels, answers, strict=True))
            ]
            right = sum(a == b for a, b in zip(labels, answers, strict=True))
            st.markdown(f"**{choice.key} reads {right} of these {len(labels)} right**")
        else:
            described = [Tile(str(i), str(label)) for i, label in enumerate(labels)]
        clickable(tiles(pixels, described, size=64), key="distorted_tiles")
        st.caption(
            f"n = {len(labels)} training images, a stratified sample (seed 0). Evaluate, "
            "Robustness, measures each of these on 1,000 test images."
        )


def _read(number: int, label: int, answer: int | None) -> Tile:
    """One image and what the network takes it for."""
    words = "no digit" if answer is None else str(answer)
    mark = "right" if answer == label else "wrong"
    return Tile(str(number), f"{label} → {words}", f"a {label}, read as {words}", mark)


def _sliders() -> dict[str, float]:
    st.button(
        "Reset", icon=":material/undo:", key="distortions_reset", on_click=_reset, width="content"
    )
    columns = st.columns(3)
    amounts = {}
    for number, (kind, corruption) in enumerate(CORRUPTIONS.items()):
        with columns[number % 3]:
            amounts[kind] = st.slider(
                f"{kind.capitalize()}, {corruption.unit}",
                float(corruption.least),
                float(corruption.most),
                float(corruption.neutral),
                _STEPS.get(kind, 0.05),
                format="%g",
                key=f"distortion_{kind}",
                **session.PERSISTENT,
            )
    return amounts


def _reset() -> None:
    for kind, corruption in CORRUPTIONS.items():
        st.session_state[f"distortion_{kind}"] = float(corruption.neutral)
