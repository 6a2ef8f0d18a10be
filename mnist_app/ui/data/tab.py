"""The Data tab: what is in a data set, and what a network sees of it."""

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from mnist_app.common.translation import N_, _, localized, ngettext
from mnist_app.data import catalogue
from mnist_app.data.archives import Skipped
from mnist_app.data.labelled_images import Dataset
from mnist_app.ui import dataset_choice, session, style
from mnist_app.ui.data import averages, distortions, gallery, map_view
from mnist_app.ui.loaded_networks import Choice
from mnist_app.ui.markdown import escaped

VIEWS = (N_("Images"), N_("Digits"), N_("Map"), N_("Distortions"))
MOST_REASONS = 1000  # list at most this many skipped files


def render(choice: Choice | None) -> None:
    """Draw the tab.

    Args:
        choice: the network chosen in the sidebar.
    """
    with st.container(key="data_tab"):
        st.html(style.sheet("data"))
        name = dataset_choice.render_choice("data_dataset")
        dataset = dataset_choice.load_or_explain(name, "data_download")
        if dataset is None:
            return
        _facts(name, dataset)
        view = st.segmented_control(
            _("View"),
            VIEWS,
            format_func=_,
            default=VIEWS[0],
            required=True,
            key="data_view",
            **session.PERSISTENT,
        )
        if view == "Images":
            gallery.render(dataset.train)
        elif view == "Digits":
            averages.render(dataset)
        elif view == "Map":
            map_view.render(name, dataset.train)
        else:
            distortions.render(dataset.train, choice)


def _facts(name: str, dataset: Dataset) -> None:
    train, test = dataset
    with st.container(key="data_facts"):
        st.caption(
            _(
                "{dataset}: {training:,} training and {test:,} test images, 28 × 28 pixels, "
                "fingerprint {fingerprint}"
            ).format(
                dataset=escaped(train.name),
                training=len(train),
                test=len(test),
                fingerprint=train.fingerprint,
            )
        )
        if name in catalogue.BUNDLED:
            return
        counts = ", ".join(
            f"{digit}: {n:,}" for digit, n in enumerate(averages.digit_counts(train, test))
        )
        text = _("Pictures of each digit: {counts}. A fifth of each digit's are test images.")
        st.caption(text.format(counts=counts))
        skipped = dataset_choice.skipped_files(name)
        if skipped:
            _skipped(skipped)
        dataset_choice.render_delete_button(name, "data_dataset")


def _skipped(skipped: Sequence[Skipped]) -> None:
    n = len(skipped)
    label = ngettext("{n:,} file was skipped", "{n:,} files were skipped", n)
    place = st.expander(label.format(n=n), key="data_skipped", on_change="rerun")
    if not place.open:
        return
    with place:
        reasons = Counter(file.problem for file in skipped).most_common(5)
        st.caption(" ".join(f"{count:,} × {escaped(problem)}" for problem, count in reasons))
        shown = skipped[:MOST_REASONS]
        st.dataframe(
            {
                _("File"): [file.name for file in shown],
                _("Reason"): [localized(file.problem) for file in shown],
            },
            hide_index=True,
            key="skipped_files",
        )
        if n > len(shown):
            st.caption(_("The first {shown:,} of {n:,} are listed.").format(shown=len(shown), n=n))
