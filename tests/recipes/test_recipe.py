import json

import pytest
from pydantic import ValidationError

from mnist_app.common.errors import InputError
from mnist_app.networks.models import list_models
from mnist_app.recipes.annotations import value_text
from mnist_app.recipes.layer_tables import ARCHITECTURES
from mnist_app.recipes.presets import ENSEMBLES, RECIPES, SOURCES, is_preset
from mnist_app.recipes.recipe import FIELDS, Recipe

RANGES = {name: facts.limits for name, facts in FIELDS.items() if facts.is_number}
NEEDED = {"target_margin": {"loss": "mse"}}  # what a field goes with


def message_of(**values) -> str:
    with pytest.raises(InputError) as caught:
        Recipe(**values)
    return str(caught.value)


@pytest.mark.parametrize("key", RECIPES)
def test_a_preset_goes_by_its_key_and_survives_a_journey_through_json(key):
    recipe = RECIPES[key]
    assert recipe.name == key
    assert Recipe(**json.loads(recipe.model_dump_json())) == recipe


def test_every_preset_has_a_source_and_every_source_a_preset():
    assert set(SOURCES) == set(RECIPES | ENSEMBLES)
    assert all(source.key and source.about for source in SOURCES.values())


def test_reported_accuracies_are_shares_and_not_per_cent():
    reported = [x for s in SOURCES.values() for x in (s.test, s.train, s.validation) if x]
    assert len(reported) >= 8
    assert all(0.5 < accuracy < 1 for accuracy in reported)


def test_the_networks_that_recipes_may_ask_for_are_those_there_are():
    assert FIELDS["model"].choices == tuple(ARCHITECTURES) == tuple(list_models())


@pytest.mark.parametrize("field", RANGES)
def test_both_ends_of_a_range_are_allowed(field):
    for end in RANGES[field]:
        assert getattr(Recipe(**{field: end}, **NEEDED.get(field, {})), field) == end


@pytest.mark.parametrize("field", RANGES)
@pytest.mark.parametrize("side", [0, 1], ids=["below", "above"])
def test_a_value_out_of_range_is_refused_with_field_and_value(field, side):
    end = RANGES[field][side]
    step = 1 if isinstance(Recipe.model_fields[field].default, int) or end > 1 else 1e-7
    value = end + (step if side else -step)
    assert f"{FIELDS[field].label} is {value:.10g}: choose a" in message_of(**{field: value})


@pytest.mark.parametrize(
    ("field", "value", "limits"),
    [
        ("epochs", 0, "1 to 1000"),
        ("epochs", None, "1 to 1000"),
        ("epochs", 2.5, "1 to 1000"),
        ("batch_size", "many", "1 to 8192"),
        ("batches_per_epoch", 0, "1 to 100000"),
        ("learning_rate", 1.5, "0.000001 to 1"),
        ("learning_rate", float("nan"), "0.000001 to 1"),
        ("dropout", 0.95, "0 to 0.9"),
        ("momentum", -0.1, "0 to 0.99"),
        ("rotation", 90, "0 to 45"),
        ("validation_fraction", 0.001, "0.01 to 0.5"),
    ],
)
def test_an_error_names_the_label_that_is_seen_the_value_and_what_to_choose(field, value, limits):
    message = message_of(**{field: value})
    shown = {None: "empty", 0.0: "0"}.get(value, f"{value!r}")
    assert message.startswith(f"{FIELDS[field].label} is {shown}: choose a ")
    assert f"number from {limits}" in message
    assert "\n" not in message


def test_the_sentence_about_a_learning_rate_is_one_that_a_student_understands():
    assert message_of(learning_rate=1000.0) == (
        "Learning rate is 1000: choose a number from 0.000001 to 1."
    )


@pytest.mark.parametrize("field", ["scaling", "initialization", "loss", "optimizer", "schedule"])
def test_a_wrong_choice_is_refused_with_the_choices_there_are(field):
    choices = FIELDS[field].choices
    assert len(choices) >= 2
    message = message_of(**{field: "other"})
    assert f"{FIELDS[field].label} is 'other': choose one of" in message
    assert all(choice in message for choice in choices)


@pytest.mark.parametrize("field", ["scaling", "initialization", "loss", "optimizer"])
def test_every_choice_that_is_offered_is_taken(field):
    for choice in FIELDS[field].choices:
        assert getattr(Recipe(**{field: choice}), field) == choice


def test_a_wrong_network_is_refused_with_the_networks_there_are():
    message = message_of(model="alexnet")
    assert "Network is 'alexnet'" in message
    assert all(name in message for name in ARCHITECTURES)


@pytest.mark.parametrize("name", ["", "a b", "../up", "a/b", "x" * 65, "new\n", "é"])
def test_a_name_that_could_not_name_a_file_is_refused(name):
    assert f"Name is {name!r}" in message_of(name=name)


def test_an_empty_data_set_is_refused():
    assert "Data set is ''" in message_of(dataset="")


def test_an_unknown_field_is_refused_with_the_fields_there_are():
    message = message_of(colour="red")
    assert "'colour'" in message
    assert all(field in message for field in Recipe.model_fields)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"schedule": "steps"}, "at least one epoch:rate pair"),
        ({"steps": ((5, 0.1), (3, 0.01))}, "epochs in rising order"),
        ({"steps": ((5, 0.1), (5, 0.01))}, "epochs in rising order"),
        ({"steps": ((1, 0.1),)}, "from 2"),
        ({"steps": ((2, 1.5),)}, "learning rates from"),
        ({"steps": ((2, 0.0),)}, "learning rates from"),
        ({"steps": ((2, float("nan")),)}, "learning rates from"),
        ({"batch_norm": True, "batch_size": 1}, "choose a larger batch size"),
    ],
)
def test_fields_that_do_not_go_together_are_refused(values, said):
    assert said in message_of(**values)


@pytest.mark.parametrize(
    "values",
    [
        {"schedule": "steps", "steps": ((2, 1e-9), (3, 1.0))},
        {"loss": "mse", "target_margin": 0.4},
        {"batch_norm": True, "batch_size": 2},
        {"batch_norm": False, "batch_size": 1},
    ],
)
def test_fields_that_go_together_are_taken(values):
    recipe = Recipe(**values)
    assert {field: getattr(recipe, field) for field in values} == values


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("15:1e-4,40:1e-5", ((15, 1e-4), (40, 1e-5))),
        (" 2 : 0.5 , 7:1E-3 ", ((2, 0.5), (7, 1e-3))),
        ("3:0.25,", ((3, 0.25),)),
        ("", ()),
    ],
)
def test_steps_are_read_from_text(text, steps):
    assert Recipe(steps=text).steps == steps


@pytest.mark.parametrize("text", ["15", "15:", ":0.1", "15=0.1", "a:b", "15:0.1;20:0.2", "-3:0.1"])
def test_steps_that_cannot_be_read_are_refused_with_an_example(text):
    message = message_of(steps=text)
    assert f"Steps is {text!r}: write epoch:rate pairs" in message
    assert "15:1e-4,40:1e-5" in message


def test_a_rate_that_is_no_number_is_refused():
    assert "Steps is '--'" in message_of(steps="5:--")


def test_values_from_a_command_line_are_read_from_text():
    recipe = Recipe(epochs="5", learning_rate="1e-2", subset="100", batch_norm="true")
    assert (recipe.epochs, recipe.learning_rate, recipe.subset) == (5, 0.01, 100)
    assert recipe.batch_norm is True


def test_a_changed_recipe_differs_in_what_was_changed_only():
    before = RECIPES["mlp-300"]
    after = before.changed(epochs=3, seed=7)
    assert (after.epochs, after.seed) == (3, 7)
    assert before.epochs == 100
    assert after.changed(epochs=100, seed=0) == before


def test_a_change_is_validated_again_alone_and_together_with_the_rest():
    with pytest.raises(InputError, match="Epochs is 0"):
        RECIPES["lenet5"].changed(epochs=0)
    with pytest.raises(InputError, match="The schedule 'steps' needs"):
        RECIPES["mlp-300"].changed(steps=())
    with pytest.raises(InputError, match="no field 'epoch'"):
        RECIPES["lenet5"].changed(epoch=3)


def test_a_preset_is_one_whatever_its_seed_and_data_until_it_is_changed():
    preset = RECIPES["lenet5"]
    assert is_preset(preset.changed(seed=5, dataset="digits"))
    assert not is_preset(preset.changed(epochs=1))
    assert not is_preset(Recipe())


def test_a_recipe_cannot_be_changed_in_place():
    recipe = Recipe()
    with pytest.raises(ValidationError, match="frozen"):
        recipe.epochs = 3
    assert recipe == Recipe()


def test_the_loss_decides_how_logits_become_probabilities():
    assert Recipe(loss="mse").outputs == "sigmoid"
    assert Recipe(loss="cross_entropy").outputs == "softmax"


def test_fields_tell_widgets_their_ranges_and_choices():
    assert FIELDS["epochs"].limits == (1, 1000)
    assert FIELDS["subset"].limits[0] == 20
    assert not FIELDS["optimizer"].is_number
    with pytest.raises(ValueError, match="name"):
        FIELDS["name"].limits  # noqa: B018
    assert FIELDS["optimizer"].choices == ("sgd", "adam", "adamw")
    assert FIELDS["epochs"].choices == ()


def test_fields_tell_their_labels_and_units():
    assert FIELDS["learning_rate"].label_with_unit == "Learning rate"
    assert FIELDS["rotation"].label == "Rotation"
    assert FIELDS["rotation"].label_with_unit == "Rotation (degrees)"
    assert FIELDS["rotation"].help == "Largest random rotation (0 to 45 degrees)."
    assert FIELDS["non_digits"].label == "Non-digits"
    assert FIELDS["loss"].help == f"{FIELDS['loss'].info.description}."


def test_fields_tell_widgets_how_far_a_click_leads():
    assert FIELDS["learning_rate"].step == 0.001
    assert FIELDS["epochs"].step == 1
    assert FIELDS["dropout"].step == 0.05


def test_a_search_begins_with_the_usual_values_within_the_limits():
    assert FIELDS["learning_rate"].usual == (1e-4, 1e-2)
    assert FIELDS["views"].usual == FIELDS["views"].limits
    for facts in FIELDS.values():
        if facts.is_number:
            (low, high), (least, greatest) = facts.limits, facts.usual
            assert low <= least < greatest <= high


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "all"),
        (True, "on"),
        (False, "off"),
        (0.0001, "0.0001"),
        (2.0, "2"),
        (128, "128"),
        ("adam", "adam"),
        (((15, 1e-4), (40, 1e-5)), "15:0.0001, 40:0.00001"),
        ((), ""),
    ],
)
def test_values_are_written_as_people_do(value, text):
    assert value_text(value) == text


@pytest.mark.parametrize("name", RECIPES)
def test_what_the_form_writes_into_its_text_fields_is_read_back(name):
    recipe = RECIPES[name]
    assert (
        recipe.changed(steps=value_text(recipe.steps), subset=value_text(recipe.subset)) == recipe
    )


def test_every_field_but_plain_text_is_a_range_a_choice_a_switch_or_steps():
    free = [n for n, f in FIELDS.items() if not (f.is_number or f.choices or f.is_switch)]
    assert set(free) == {"name", "dataset", "steps"}


def test_every_field_has_its_line_of_help():
    assert all(info.description for info in Recipe.model_fields.values())


def test_a_range_is_written_in_whole_numbers():
    with pytest.raises(InputError, match="from 0 to 2147483647"):
        Recipe(seed=-1)
