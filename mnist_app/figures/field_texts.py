"""What people read about a field of Recipe, in the language of the page."""

from typing import Any

from mnist_app.common.translation import _
from mnist_app.recipes import annotations
from mnist_app.recipes.annotations import FieldFacts, format_number


def label(facts: FieldFacts) -> str:
    """Return the name of a field."""
    return _(facts.label)


def label_with_unit(facts: FieldFacts) -> str:
    """Return the name of a field and, if there is one, the unit of its numbers."""
    return f"{label(facts)} ({_(facts.unit)})" if facts.unit else label(facts)


def help_text(facts: FieldFacts) -> str:
    """Return one line that says what a field is and, for a number, its range with the unit."""
    description = facts.info.description or ""
    text = _(description)
    if not facts.is_number:
        return text
    least, greatest = map(format_number, facts.limits)
    unit = f" {_(facts.unit)}" if facts.unit else ""
    form = _("{text} ({least} to {greatest}{unit})")
    return form.format(text=text, least=least, greatest=greatest, unit=unit)


def value_text(value: Any) -> str:
    """Return the value of a field as people write it."""
    return _(annotations.value_text(value))
