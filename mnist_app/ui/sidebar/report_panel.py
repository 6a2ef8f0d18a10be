"""The report about the chosen network: one HTML file to take home."""

import streamlit as st

from mnist_app.common.errors import InputError
from mnist_app.common.translation import _
from mnist_app.data.labelled_images import Digits
from mnist_app.recognition import assessment
from mnist_app.report import html_report
from mnist_app.results import accuracy_text
from mnist_app.results.cache import Entry
from mnist_app.results.weights import WeightsInfo
from mnist_app.runs.jobs import Job
from mnist_app.ui import dataset_choice, polling
from mnist_app.ui.markdown import escaped


def render(info: WeightsInfo) -> None:
    """Offer the report as soon as everything in it has been computed."""
    st.caption(
        _(
            "Recipe, curves, metrics, mistakes and the command that trains it again, in one file "
            "that opens without the internet."
        )
    )
    if caution := accuracy_text.caution(info):
        st.info(caution)
    name = info.recipe.dataset
    dataset = dataset_choice.load_or_explain(
        name,
        "report_download_mnist",
        _("The report tests {name} on MNIST's test images, which are not on this machine.").format(
            name=info.name
        ),
    )
    if dataset is None:
        return
    try:
        job = Job("assessment", assessment.job_arguments(info, name, dataset.test))
    except InputError as error:
        st.error(escaped(error))
        return
    found = polling.result_or_progress(job, "report_again")
    if found:
        _offer(info, found, dataset.test)


def _offer(info: WeightsInfo, found: Entry, test: Digits) -> None:
    st.download_button(
        _("Download"),
        lambda: html_report.render_report(
            info.name, assessment.from_entry(found, info, test), test
        ),
        f"{info.name}.html",
        "text/html",
        icon=":material/download:",
        key="report_file",
        width="stretch",
        on_click="ignore",
    )
