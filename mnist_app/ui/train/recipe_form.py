"""Widgets for a recipe. What they say about a field comes from `recipes.recipe.FIELDS`."""

from typing import Any

import streamlit as st

from mnist_app.common.translation import _
from mnist_app.recipes.annotations import FieldFacts, Group, value_text
from mnist_app.recipes.recipe import FIELDS, Recipe
from mnist_app.ui import permissions

MAIN = ("epochs", "batch_size", "learning_rate", "optimizer")  # always shown, the others on demand
GROUPS: dict[Group, tuple[str, ...]] = {
    group: tuple(f.name for f in FIELDS.values() if f.group == group and f.name not in MAIN)
    for group in Group
}


class _Arguments(permissions.FormWidget):
    """The arguments that every kind of widget takes."""

    key: str
    help: str


def render_fields(preset: Recipe) -> dict[str, Any]:
    """Show widgets for all fields, starting from a preset; return their values, unvalidated."""
    values = _row(MAIN, preset, columns=2)
    with st.expander(_("All settings"), key="all_settings"):
        for group, fields in GROUPS.items():
            st.markdown(f"**{_(group.value)}**")
            values |= _row(fields, preset, columns=2)
    return values


def _row(fields: tuple[str, ...], preset: Recipe, columns: int) -> dict[str, Any]:
    values = {}
    for number, field in enumerate(fields):
        if number % columns == 0:  # new columns for each row keep the order on a phone
            places = st.columns(columns)
        with places[number % columns]:
            values[field] = _widget(FIELDS[field], getattr(preset, field), f"{preset.name}-{field}")
    return values


def _widget(facts: FieldFacts, default: Any, key: str) -> Any:
    label = facts.label_with_unit
    common: _Arguments = {"key": key, "help": facts.help, **permissions.form_widget()}
    if facts.is_switch:
        return st.toggle(label, default, **common)
    if facts.choices:
        return st.selectbox(label, facts.choices, facts.choices.index(default), **common)
    if facts.is_number:
        return _number(facts, default, common)
    return st.text_input(label, value_text(default), **common)


def _number(facts: FieldFacts, default: Any, common: _Arguments) -> Any:
    kind = int if facts.is_whole else float
    return st.number_input(
        facts.label_with_unit,
        value=default,  # no limits: with them, the page would keep the old value and not say why
        step=kind(facts.step),
        format="%d" if facts.is_whole else "%g",
        placeholder=_("all") if facts.is_optional else None,
        **common,
    )
