"""The Evaluate tab: how the chosen network reads test images it never saw."""

import streamlit as st

from mnist_app.common.errors import InputError
from mnist_app.common.translation import N_, _
from mnist_app.data.labelled_images import Digits
from mnist_app.recognition import assessment
from mnist_app.results import accuracy_text
from mnist_app.results.weights import WeightsInfo
from mnist_app.runs.jobs import Job
from mnist_app.ui import dataset_choice, polling, session
from mnist_app.ui.evaluate import confidence, images, own_pictures, robustness, summary
from mnist_app.ui.loaded_networks import Choice, ReadyChoice
from mnist_app.ui.markdown import escaped

VIEWS = (N_("Summary"), N_("Images"), N_("Confidence"), N_("Robustness"), N_("Own pictures"))


def render(choice: Choice | None) -> None:
    """Draw the tab.

    Args:
        choice: the network chosen in the sidebar.
    """
    with st.container(key="evaluate_tab"):
        info = choice.predictor.info if isinstance(choice, ReadyChoice) else None
        if not isinstance(choice, ReadyChoice) or info is None:
            st.info(
                _(
                    "Choose a saved network in the sidebar. A network in training can be evaluated "
                    "once its training ends."
                )
            )
            return
        st.subheader(_("{network} on test images").format(network=info.name), anchor=False)
        view = _view()
        if view == "Own pictures":
            own_pictures.render(choice)
        else:
            _on_test_images(view, info)


def _view() -> str:
    return st.segmented_control(
        _("View"),
        VIEWS,
        format_func=_,
        default=VIEWS[0],
        required=True,
        key="evaluate_view",
        **session.PERSISTENT,
    )


def _on_test_images(view: str, info: WeightsInfo) -> None:
    """Draw a view that needs a data set, once one is chosen and loaded."""
    if caution := accuracy_text.caution(info):
        st.info(caution)
    name = dataset_choice.render_choice("evaluate_dataset")
    dataset = dataset_choice.load_or_explain(name, "evaluate_download")
    if dataset is None:
        return
    try:
        arguments = assessment.job_arguments(info, name, dataset.test)
    except InputError as error:
        st.error(escaped(error))
        return
    if view == "Robustness":
        robustness.render(arguments)
    else:
        _on_assessment(view, info, dataset.test, arguments)


def _on_assessment(view: str, info: WeightsInfo, test: Digits, arguments: dict[str, str]) -> None:
    found = polling.result_or_progress(Job("assessment", arguments), "assessment_again")
    if found is None:
        return
    result = assessment.from_entry(found, info, test)
    if view == "Summary":
        summary.render(result, info, test, arguments["dataset"])
    elif view == "Images":
        images.render(result, test)
    else:
        confidence.render(result, info)
