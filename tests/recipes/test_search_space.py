import pytest

from mnist_app.common.errors import InputError
from mnist_app.recipes.presets import ENSEMBLES, RECIPES
from mnist_app.recipes.recipe import FIELDS, Recipe
from mnist_app.recipes.search_space import (
    MOST_TRIALS,
    Space,
    checked_range,
    choices_to_try,
    expected_seconds,
    fields_to_vary,
    parse_values,
    usual_values,
)

BASE = RECIPES["mlp-128-64-adam"].changed(dataset="digits", epochs=2)
every_field = pytest.mark.parametrize("field", fields_to_vary())


def test_a_grid_has_every_combination_once():
    space = Space(BASE, "grid", {"batch_size": (16, 64), "optimizer": ("sgd", "adam", "adamw")})
    trials = space.trials()
    assert space.size == len(trials) == 6
    assert {(t["batch_size"], t["optimizer"]) for t in trials} == {
        (size, name) for size in (16, 64) for name in ("sgd", "adam", "adamw")
    }


def test_trials_at_random_differ_stay_in_range_and_are_those_of_the_seed():
    fields = {
        "learning_rate": checked_range("learning_rate", 1e-4, 1e-1),
        "batch_size": checked_range("batch_size", 16, 256),
        "batch_norm": (False, True),
    }
    trials = Space(BASE, "random", fields, 20).trials()
    assert len({tuple(t.values()) for t in trials}) == 20
    for trial in trials:
        assert 1e-4 <= trial["learning_rate"] <= 1e-1
        assert trial["batch_size"] in range(16, 257)
        assert isinstance(trial["batch_size"], int)
    assert {t["batch_norm"] for t in trials} == {False, True}
    assert Space(BASE, "random", fields, 20).trials() == trials
    assert Space(BASE.changed(seed=1), "random", fields, 20).trials() != trials


def test_a_wide_range_is_searched_by_its_logarithm_and_a_narrow_one_evenly():
    wide = {"learning_rate": checked_range("learning_rate", 1e-4, 1.0)}
    rates = [t["learning_rate"] for t in Space(BASE, "random", wide, 50).trials()]
    assert 15 <= sum(rate < 1e-2 for rate in rates) <= 35  # the middle of the powers of ten
    narrow = {"dropout": checked_range("dropout", 0.0, 0.8)}
    shares = [t["dropout"] for t in Space(BASE, "random", narrow, 50).trials()]
    assert 15 <= sum(share < 0.4 for share in shares) <= 35


@pytest.mark.parametrize(("wanted", "found"), [(3, 3), (6, 6), (50, 6)])
def test_of_few_combinations_none_is_tried_twice(wanted, found):
    fields = {"batch_norm": (False, True), "optimizer": ("sgd", "adam", "adamw")}
    trials = Space(BASE, "random", fields, wanted).trials()
    assert len({tuple(t.values()) for t in trials}) == len(trials) == found


def test_whole_numbers_of_a_narrow_range_are_tried_once_each():
    assert len(Space(BASE, "random", {"views": checked_range("views", 1, 5)}, 40).trials()) == 5


def test_too_many_trials_are_refused_with_their_number():
    sizes = tuple(range(1, 1 + MOST_TRIALS // 2))
    Space(BASE, "grid", {"batch_size": sizes, "batch_norm": (False, True)})
    with pytest.raises(InputError, match="75 trials"):
        Space(BASE, "grid", {"batch_size": sizes, "optimizer": ("sgd", "adam", "adamw")})
    with pytest.raises(InputError, match="51 trials"):
        Space(BASE, "random", {"batch_norm": (False, True)}, 51)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "0 fields"),
        (dict.fromkeys(("dropout", "l1", "l2", "zoom", "shear"), (0.1,)), "5 fields"),
        ({"dropout": ()}, "Dropout has no values"),
    ],
)
def test_a_space_needs_one_to_four_fields_with_values(fields, words):
    with pytest.raises(InputError, match=words):
        Space(BASE, "grid", fields)


def test_values_that_do_not_go_together_are_refused_before_anything_starts():
    base = BASE.changed(batch_norm=True)
    with pytest.raises(InputError, match="larger batch size"):
        Space(base, "grid", {"batch_size": (1, 16)}).trials()


def test_a_space_is_the_same_after_json():
    fields = {
        "learning_rate": checked_range("learning_rate", 1e-4, 1e-1),
        "batch_norm": (False, True),
        "batch_size": (16, 64),
    }
    space = Space(BASE, "random", fields, 7)
    assert Space.from_json(space.to_json()) == space
    assert Space.from_json(space.to_json()).trials() == space.trials()


@pytest.mark.parametrize(
    ("field", "text", "values"),
    [
        ("learning_rate", "0.1, 1e-3,0.1", (0.1, 0.001)),
        ("batch_size", " 16; 64 ,", (16, 64)),
        ("subset", "1000", (1000,)),
        ("dropout", "", ()),
    ],
)
def test_values_are_read_from_text(field, text, values):
    assert parse_values(field, text) == values


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("learning_rate", "a lot", "write numbers"),
        ("batch_size", "16.5", "whole numbers"),
        ("learning_rate", "0.1, 2", "0.000001 to 1"),
        ("learning_rate", "nan", "Learning rate cannot be nan"),
        ("dropout", "inf", "Dropout cannot be inf"),
    ],
)
def test_text_that_holds_other_things_is_answered_in_one_sentence(field, text, words):
    with pytest.raises(InputError, match=words):
        parse_values(field, text)


def test_a_range_has_its_least_first_and_stays_in_the_field():
    with pytest.raises(InputError, match="smaller one first"):
        checked_range("dropout", 0.5, 0.1)
    with pytest.raises(InputError, match=r"0 to 0\.9"):
        checked_range("dropout", 0.0, 1.0)


@every_field
def test_what_the_form_begins_with_can_be_searched(field):
    values = usual_values(field) if FIELDS[field].is_number else choices_to_try(field)
    assert len(values) >= 2
    assert all(isinstance(BASE.changed(**{field: value}), Recipe) for value in values)
    assert Space(BASE, "grid", {field: values}).trials()


def test_what_decides_the_validation_images_cannot_vary():
    fixed = {"seed", "validation_fraction", "pen_copies", "dataset", "name"}
    assert fixed.isdisjoint(fields_to_vary())
    assert set(ENSEMBLES).isdisjoint(choices_to_try("model"))


def test_the_expected_time_grows_with_trials_epochs_and_images(monkeypatch):
    monkeypatch.setenv("MNIST_APP_PARALLEL_RUNS", "1")
    base = BASE.changed(dataset="mnist", subset=10_000, epochs=2)
    two = Space(base, "grid", {"dropout": (0.0, 0.5)})
    # 2 trials of 2 epochs of 10,000 images at 1,000 a second, and some seconds to start
    assert expected_seconds(two, 1000) == pytest.approx(40, abs=10)
    four = Space(base, "grid", {"dropout": (0.0, 0.5), "epochs": (1, 5)})
    assert expected_seconds(four, 1000) == pytest.approx(120, abs=20)
    all_images = Space(base.changed(subset=None), "grid", {"dropout": (0.0, 0.5)})
    assert expected_seconds(all_images, 1000) == pytest.approx(4 * 48_000 / 1000, abs=10)
