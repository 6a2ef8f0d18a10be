"""The report about the chosen network: one HTML file to take home."""

import streamlit as st

from mnist_app import assessment, report
from mnist_app.jobs import Job
from mnist_app.settings import InputError
from mnist_app.ui import background, datasets
from mnist_app.ui.text import as_text
from mnist_app.weights import WeightsInfo


def show(info: WeightsInfo) -> None:
    """Offer the report, once what stands in it is computed."""
    st.caption(
        "Recipe, curves, metrics, mistakes and the command that trains it again, in one file "
        "that opens without the internet."
    )
    name = info.recipe.dataset
    dataset = datasets.load(name, "report_download_mnist")
    if dataset is None:
        return
    try:
        job = Job("assessment", assessment.arguments(info, name, dataset.test))
    except InputError as error:
        st.error(as_text(error))
        return
    found = background.result_of(job, "report_again")
    if found is None:
        return
    st.download_button(
        "Download",
        lambda: report.report(info.name, assessment.of(found, info, dataset.test), dataset.test),
        f"{info.name}.html",
        "text/html",
        icon=":material/download:",
        key="report_file",
        width="stretch",
        on_click="ignore",
    )
