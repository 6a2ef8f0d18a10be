"""Widgets for a recipe; labels, ranges, choices and defaults are read from Recipe."""

from typing import Any

import streamlit as st

from mnist_app.recipes.recipe import Recipe, field_choices, field_range, format_number
from mnist_app.ui import session

MAIN = ("epochs", "batch_size", "learning_rate", "optimizer")
GROUPS = {
    "Network": ("model", "scaling", "initialization", "dropout", "batch_norm", "views"),
    "Loss and optimizer": (
        "loss",
        "label_smoothing",
        "target_margin",
        "momentum",
        "beta1",
        "beta2",
        "schedule",
        "steps",
        "l1",
        "l2",
        "averaging",
        "mixed_precision",
    ),
    "Augmentation": (
        "rotation",
        "shift",
        "zoom",
        "stretch",
        "shear",
        "elastic",
        "thickness",
        "gaps",
    ),
    "Drawings": ("pen_copies", "redrawn", "non_digits"),
    "Data, stopping, seed": (
        "subset",
        "validation_fraction",
        "batches_per_epoch",
        "early_stopping",
        "seed",
    ),
}
_STEPS = {
    "learning_rate": 0.001,
    "momentum": 0.05,
    "beta2": 0.001,
    "l1": 1e-5,
    "l2": 1e-4,
    "batch_size": 16,
    "non_digits": 1000,
}


def render_fields(preset: Recipe) -> dict[str, Any]:
    """Show widgets for all fields, starting from a preset; return what they hold, unvalidated."""
    values = _row(MAIN, preset, columns=2)
    with st.expander("All settings", key="all_settings"):
        for title, fields in GROUPS.items():
            st.markdown(f"**{title}**")
            values |= _row(fields, preset, columns=2)
    return values


def _row(fields: tuple[str, ...], preset: Recipe, columns: int) -> dict[str, Any]:
    values = {}
    for number, field in enumerate(fields):
        if number % columns == 0:  # a row of its own: on a phone the order stays
            places = st.columns(columns)
        with places[number % columns]:
            values[field] = _widget(field, getattr(preset, field), f"{preset.name}-{field}")
    return values


def _widget(field: str, default: Any, key: str) -> Any:
    info = Recipe.model_fields[field]
    label = field.replace("_", " ").capitalize()
    text, choices, limits = info.description or "", field_choices(field), field_range(field)
    if info.annotation is bool:
        return st.toggle(label, default, key=key, help=text, **session.PERSISTENT)
    if choices:
        place = choices.index(default)
        return st.selectbox(label, choices, place, key=key, help=text, **session.PERSISTENT)
    if limits:
        return _number(field, label, default, limits, key)
    return st.text_input(label, _steps_text(default), key=key, help=text, **session.PERSISTENT)


def _number(field: str, label: str, default: Any, limits: tuple[float, float], key: str) -> Any:
    info = Recipe.model_fields[field]
    optional = info.default is None
    whole = optional or isinstance(info.default, int)
    kind = int if whole else float
    step = _STEPS.get(field, 1 if whole or limits[1] > 1 else 0.05)
    return st.number_input(
        label,
        value=default,  # without limits: the page would keep the old value and not say why
        step=kind(step),
        format="%d" if whole else "%g",
        placeholder="all" if optional else None,
        key=key,
        help=f"{info.description} ({format_number(limits[0])} to {format_number(limits[1])})",
        **session.PERSISTENT,
    )


def _steps_text(steps: tuple[tuple[int, float], ...]) -> str:
    return ", ".join(f"{epoch}:{rate:g}" for epoch, rate in steps)
