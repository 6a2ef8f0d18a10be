"""The form that starts a training: a preset, a data set, changes to the recipe, a name."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from mnist_app.common.errors import InputError
from mnist_app.common.translation import N_, _
from mnist_app.data import catalogue, training_data
from mnist_app.recipes.presets import RECIPES, SOURCES
from mnist_app.recipes.recipe import Recipe
from mnist_app.runs import lifecycle, processes
from mnist_app.ui import choice_box, dataset_choice, permissions, session
from mnist_app.ui.markdown import escaped
from mnist_app.ui.train import recipe_form

_DATASETS = {
    "mnist": N_("The 70,000 digits of MNIST. They are downloaded once (11 MB) if needed."),
    "digits": N_("1,797 digits that come with the app: nothing to download, trains in seconds."),
    "folder": N_("Your own pictures: a folder or ZIP with one sub-folder per digit, named 0 to 9."),
}


def render() -> None:
    """Draw the form; its button starts the training.

    Without the teacher code everyone can still leaf through the presets, because a class is meant
    to look at recipes. Everything else is read-only.
    """
    st.subheader(_("Recipe"), anchor=False)
    permissions.render_form_notice()
    preset = _preset()
    dataset = _dataset()
    values = recipe_form.render_fields(preset)
    result = st.text_input(
        _("Save as"),
        key="save_as",
        **permissions.form_widget(),
        placeholder=preset.name,
        help=_("Letters, digits, - and _. If the name is taken, a number is added."),
    )
    if not permissions.is_unlocked():
        return
    with st.container(key="train"):
        processes.prepare_to_start()
        if st.button(_("Start training"), type="primary", width="stretch"):
            _start(preset, {**values, "dataset": dataset}, result.strip())
        if problem := session.current_session().train.start_problem:
            st.error(escaped(problem))


def _preset() -> Recipe:
    name = st.selectbox(_("Preset"), list(RECIPES), key="preset", bind="query-params")
    preset, source = RECIPES[name], SOURCES[name]
    sentences = [_(source.about)]
    if source.reported:
        sentences.append(_("Reported: {accuracy}.").format(accuracy=_(source.reported)))
    st.caption(" ".join(sentences))
    if lack := training_data.missing_strokes_notice(preset):
        st.info(escaped(lack))
    return preset


def _dataset() -> str:
    kind = st.selectbox(
        _("Data set"),
        list(_DATASETS),
        key="dataset",
        bind="query-params",
        disabled=not permissions.is_unlocked(),
    )
    st.caption(_(_DATASETS[kind]))
    if kind != "folder":
        return kind
    return dataset_choice.render_own_data("folder")


def _start(preset: Recipe, values: Mapping[str, Any], name: str) -> None:
    memory = session.current_session().train
    memory.start_problem = None
    try:
        permissions.require_unlocked()
        catalogue.check_dataset(values["dataset"])
        run = lifecycle.start(
            preset.changed(**values), name or preset.name, owner=session.browser_id()
        )
    except InputError as error:
        memory.start_problem = error.args[0]  # kept: the page may rerun before anyone reads it
        return
    choice_box.choose("run", run.id)
    st.rerun()
