"""What people read about the fields of a recipe."""

import pytest

from mnist_app.figures import field_texts
from mnist_app.recipes.annotations import value_text
from mnist_app.recipes.recipe import FIELDS


@pytest.mark.parametrize("facts", FIELDS.values(), ids=FIELDS)
def test_in_english_a_field_reads_as_on_the_command_line(facts):
    assert field_texts.label_with_unit(facts) == facts.label_with_unit
    assert field_texts.help_text(facts) == facts.help
    assert field_texts.value_text(facts.default) == value_text(facts.default)
