"""The Data tab's digits: how often each occurs, and what it looks like on average."""

import numpy as np
import streamlit as st
import torch

from mnist_app.common.translation import _
from mnist_app.data.labelled_images import Dataset, Digits, to_input
from mnist_app.figures import dataset_charts as charts
from mnist_app.figures import dataset_fragments
from mnist_app.figures.plot_style import PLOTLY_CONFIG


def render(dataset: Dataset) -> None:
    """Draw the view."""
    train, test = dataset
    st.markdown(_("**How often each digit occurs**"))
    with st.container(key="distribution"):
        figure = charts.distribution(
            {_("training"): digit_counts(train), _("test"): digit_counts(test)}
        )
        st.plotly_chart(figure, key="distribution_chart", config=PLOTLY_CONFIG)
    st.caption(
        _("Validation images are split off the training images, with the same share of each digit.")
    )
    st.markdown(_("**Mean and spread**"))
    with st.spinner(_("Computing the means")):
        means, spreads = _averages(train.fingerprint, train)
    st.html(dataset_fragments.averages(means, spreads, digit_counts(train)))
    st.caption(
        _(
            "Top: the mean of each digit's training images. Bottom: the standard deviation of each "
            "pixel; black is 0, white is {share:g} of the range or more."
        ).format(share=dataset_fragments.SPREAD_SHOWN)
    )


def digit_counts(*parts: Digits) -> list[int]:
    """Return how often each digit, 0 to 9, occurs in all the parts together."""
    labels = torch.cat([part.labels for part in parts])
    counts: list[int] = torch.bincount(labels, minlength=10).tolist()
    return counts


@st.cache_data(max_entries=8, show_spinner=False)
def _averages(
    fingerprint: str,  # noqa: ARG001, the cache's key
    _train: Digits,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and standard deviation of each digit's images: (10, 28, 28) each, in 0..1."""
    means, spreads = np.zeros((10, 28, 28)), np.zeros((10, 28, 28))
    for digit in range(10):
        images = to_input(_train.images[_train.labels == digit])[:, 0]
        spread, mean = torch.std_mean(images, dim=0, correction=0)
        means[digit], spreads[digit] = mean.numpy(), spread.numpy()
    return means, spreads
