"""The form of a hyper-parameter search: what it starts from and what it varies."""

from statistics import median
from typing import Any

import streamlit as st

from mnist_app.common.errors import InputError
from mnist_app.common.settings import parallel_runs
from mnist_app.common.translation import N_, _, ngettext
from mnist_app.data import mnist
from mnist_app.recipes.annotations import FieldFacts, value_text
from mnist_app.recipes.presets import RECIPES
from mnist_app.recipes.recipe import FIELDS
from mnist_app.recipes.search_space import (
    MOST_FIELDS,
    MOST_TRIALS,
    Between,
    Kind,
    Space,
    Values,
    checked_range,
    choices_to_try,
    expected_seconds,
    fields_to_vary,
    parse_values,
    usual_values,
)
from mnist_app.results import weights
from mnist_app.runs import search_lifecycle
from mnist_app.ui import choice_box, permissions, session
from mnist_app.ui.markdown import escaped

_DATASETS = {"mnist": "MNIST", "digits": N_("Bundled digits")}
_KINDS: dict[Kind, str] = {"grid": N_("Grid"), "random": N_("Random")}


def render() -> None:
    """Draw the form; its button starts the search.

    Without the teacher code only the preset can be changed, to look at it.
    """
    st.subheader(_("Search"), anchor=False)
    permissions.render_form_notice()
    space = None
    try:
        wanted = _space()
        st.caption(_size_text(wanted))
        space = wanted
    except InputError as error:
        st.warning(escaped(error))
    if permissions.is_unlocked():
        with st.container(key="search_start"):
            _start_button(space)


def _start_button(space: Space | None) -> None:
    is_pressed = st.button(
        _("Start search"), type="primary", width="stretch", disabled=space is None
    )
    if is_pressed and space is not None:  # a forged message may press it without a space
        _start(space)
    if problem := session.current_session().train.search_problem:
        st.error(escaped(problem))


def _space() -> Space:
    """Return the space that the widgets describe; raise InputError if it is not valid."""
    preset = RECIPES[
        st.selectbox(_("Preset"), list(RECIPES), key="search_preset", **session.PERSISTENT)
    ]
    dataset = _dataset()
    fixed = _fixed(dataset)
    kind = st.segmented_control(
        _("Trials"), list(_KINDS), default="grid", required=True, key="search_kind",
        format_func=lambda kind: _(_KINDS[kind]), **permissions.form_widget(),
    )  # fmt: skip
    values = {field: _values(field, kind) for field in _varied_fields()}
    count = 0
    if kind == "random":
        count = st.number_input(
            _("Number of trials"),
            1,
            MOST_TRIALS,
            10,
            key="search_count",
            **permissions.form_widget(),
        )
    return Space(preset.changed(**fixed, dataset=dataset), kind, values, count)


def _dataset() -> str:
    return st.segmented_control(
        _("Data set"),
        list(_DATASETS),
        format_func=lambda name: _(_DATASETS[name]),
        default="mnist" if mnist.is_downloaded() else "digits",
        required=True,
        key="search_dataset",
        **permissions.form_widget(),
    )


def _varied_fields() -> list[str]:
    return st.multiselect(
        _("Vary"),
        fields_to_vary(),
        default=["learning_rate", "batch_size"],
        format_func=lambda field: FIELDS[field].label,
        max_selections=MOST_FIELDS,
        key="search_fields",
        **permissions.form_widget(),
    )


def _fixed(dataset: str) -> dict[str, Any]:
    """Return the settings that all trials share.

    Short trainings on some of the images are enough to tell good values from bad ones.
    """
    left, middle, right = st.columns(3)
    with left:
        epochs = st.number_input(
            _("Epochs"), *_limits("epochs"), 3, key="search_epochs", **permissions.form_widget()
        )
    with middle:
        subset = _subset(dataset)
    with right:
        seed = st.number_input(
            _("Seed"),
            *_limits("seed"),
            0,
            key="search_seed",
            help=_("The seed of each training, of the validation images and of random trials."),
            **permissions.form_widget(),
        )
    return {"epochs": epochs, "subset": subset, "seed": seed}


def _subset(dataset: str) -> int | None:
    return st.number_input(
        _("Images"),
        *_limits("subset"),
        10_000 if dataset == "mnist" else None,
        step=1000,
        placeholder=_("all"),
        key=f"search_subset_{dataset}",
        help=_("Training images per trial. Leave this empty to use all of them."),
        **permissions.form_widget(),
    )


def _limits(field: str) -> tuple[int, int]:
    least, greatest = FIELDS[field].limits
    return int(least), int(greatest)


def _values(field: str, kind: Kind) -> Values:
    """Return the values to try for one field."""
    facts = FIELDS[field]
    if not facts.is_number:
        choices = choices_to_try(field)
        return tuple(
            st.multiselect(
                facts.label,
                choices,
                default=choices[:4],
                format_func=value_text,
                key=f"search_{field}_choices",
                **permissions.form_widget(),
            )
        )
    if kind == "grid":
        text = st.text_input(
            facts.label_with_unit,
            ", ".join(f"{value:g}" for value in usual_values(field)),
            key=f"search_{field}_values",
            help=_("Separate the values with commas."),
            **permissions.form_widget(),
        )
        return parse_values(field, text)
    return _range(field)


def _range(field: str) -> Between:
    usual_least, usual_greatest = FIELDS[field].usual
    left, right = st.columns(2)
    with left:
        text = _("{field}, minimum")
        least = _end(FIELDS[field], text, usual_least, f"search_{field}_least")
    with right:
        text = _("{field}, maximum")
        greatest = _end(FIELDS[field], text, usual_greatest, f"search_{field}_greatest")
    return checked_range(field, least, greatest)


def _end(facts: FieldFacts, text: str, usual: float, key: str) -> float:
    """Draw the input for one end of a range, the least or the greatest; return its value."""
    label = text.format(field=facts.label_with_unit)
    if facts.is_whole:
        whole = _limits(facts.name)
        return st.number_input(
            label, *whole, int(usual), format="%d", key=key, **permissions.form_widget()
        )
    least, greatest = map(float, facts.limits)
    return st.number_input(
        label, least, greatest, float(usual), format="%g", key=key, **permissions.form_widget()
    )


def _size_text(space: Space) -> str:
    speed = _images_per_second(space.base.model)
    if speed is None:
        return _trials_text(space)
    seconds = expected_seconds(space, speed)
    time = f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
    text = _("This takes about {time}, at the speed of earlier trainings of {network}.")
    return f"{_trials_text(space)} {text.format(time=time, network=space.base.model)}"


def _trials_text(space: Space) -> str:
    sizes = " × ".join(str(len(values)) for values in space.fields.values())
    product = f" ({sizes})" if space.kind == "grid" and len(space.fields) > 1 else ""
    n, at_once = len(space.trials()), parallel_runs()
    if at_once == 1:
        text = ngettext(
            "{n} trial{product}, one after the other.",
            "{n} trials{product}, one after the other.",
            n,
        )
    else:
        text = ngettext(
            "{n} trial{product}, {at_once} at a time.",
            "{n} trials{product}, {at_once} at a time.",
            n,
        )
    return text.format(n=n, product=product, at_once=at_once)


def _images_per_second(model: str) -> float | None:
    """Return the median speed of a network's earlier trainings, or None if there weren't any."""
    histories = [i.history for i in weights.list_weights() if i.recipe.model == model]
    speeds = [event["images_per_second"] for history in histories for event in history]
    return median(speeds) if speeds else None


def _start(space: Space) -> None:
    memory = session.current_session().train
    memory.search_problem = None
    try:
        permissions.require_unlocked()
        with st.spinner(_("Starting")):
            started = search_lifecycle.start(space)
    except InputError as error:
        memory.search_problem = error.args[0]  # kept: the page may rerun before anyone reads it
        return
    choice_box.choose("search", started.id)
    st.rerun()
