"""The Data tab's map: training images in the plane, with similar ones close together."""

from typing import NamedTuple

import numpy as np
import streamlit as st

from mnist_app.common.translation import _
from mnist_app.data.labelled_images import Digits
from mnist_app.figures.tiles import small_sheet_url
from mnist_app.recognition import embedding
from mnist_app.runs.jobs import Job
from mnist_app.ui import polling, session
from mnist_app.ui.data.digit_map import digit_map

WAYS = ("PCA", "t-SNE")


class _Plane(NamedTuple):
    """Where the images of the sample are."""

    points: np.ndarray  # (N, 2)
    titles: tuple[str, str]  # of the axes
    how: str  # how the points were computed, in whole sentences


def render(name: str, train: Digits) -> None:
    """Draw the view.

    Args:
        name: the name of the data set.
        train: its training images.
    """
    way = st.segmented_control(
        _("Map by"), WAYS, default=WAYS[0], required=True, key="data_map_by", **session.PERSISTENT
    )
    with st.spinner(_("Computing the map")):
        labels, sheet_url, points, shares = _sampled(train.fingerprint, train)
    plane = _principal(points, shares) if way == "PCA" else _neighbour_embedding(name, train)
    if plane is None:
        return
    with st.container(key="data_map"):
        digit_map(plane.points, labels, sheet_url, plane.titles, key="digit_map")
    sample = _("n = {n:,} training images, a stratified sample (seed {seed}).")
    use = _(
        "Point at a digit, or tap it, to see its image. Click a digit in the legend to see only "
        "that one."
    )
    st.caption(f"{sample.format(n=len(labels), seed=embedding.SEED)} {plane.how} {use}")


def _principal(points: np.ndarray, shares: list[float]) -> _Plane:
    text = _("PC {number}, {share:.1%} of the variance")
    x, y = (text.format(number=number, share=share) for number, share in enumerate(shares, 1))
    how = _(
        "Principal component analysis: the axes are the two directions in which the images vary "
        "most."
    )
    return _Plane(points, (x, y), how)


def _neighbour_embedding(name: str, train: Digits) -> _Plane | None:
    """Return the images' points by t-SNE, or None while they are being computed."""
    job = Job("embedding", embedding.job_arguments(name, train))
    found = polling.result_or_progress(job, "embedding_again")
    if found is None:
        return None
    facts = found.facts
    used = facts.get("perplexity") or embedding.perplexity(facts["n"])
    how = _(
        "t-SNE with perplexity {perplexity:.3g}, {iterations:,} iterations and seed {seed}: images "
        "close together are similar, but large distances mean nothing."
    ).format(perplexity=used, iterations=facts["iterations"] + 1, seed=embedding.SEED)
    x, y = (_("t-SNE {number}, no unit").format(number=number) for number in (1, 2))
    return _Plane(found.tensors["points"].numpy(), (x, y), how)


@st.cache_data(max_entries=8, show_spinner=False)
def _sampled(
    fingerprint: str,  # noqa: ARG001, the cache's key
    _train: Digits,
) -> tuple[np.ndarray, str, np.ndarray, list[float]]:
    """Return what the map needs to know about the sample.

    Returns:
        The labels, the URL of the images' sheet, their principal components, and the components'
        shares of the variance.
    """
    sample = embedding.sample(_train)
    points, shares = embedding.principal(sample.images)
    return sample.labels.numpy(), small_sheet_url(sample.images.numpy()), points.numpy(), shares
