import json
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from mnist_app.common.errors import InputError
from mnist_app.data.labelled_images import split
from mnist_app.data.training_data import TrainingData
from mnist_app.networks import models
from mnist_app.recipes.recipe import Recipe
from mnist_app.results import accuracy_text, weights
from mnist_app.results.tensors import write_tensors
from mnist_app.training import metrics
from mnist_app.training.calibration import Calibration
from mnist_app.training.loop import train

RECIPE = Recipe(name="tiny", model="mlp-128-64", scaling="unit", epochs=1, batch_size=16)


@pytest.fixture
def trained(stripes, weights_folder):
    rest, val = split(stripes, 0.2, 0)
    end = list(train(RECIPE, rest, val, val))[-1]
    return end.network, weights.info_of(end, TrainingData(rest, val, val, stripes.fingerprint))


def test_a_result_comes_back_as_it_was_saved(trained):
    model, info = trained
    saved = weights.save("mine", model, info)
    loaded, facts = weights.load("mine")
    assert facts == saved
    assert not loaded.training
    x = torch.rand(4, 1, 28, 28)
    assert torch.equal(loaded(x), model.eval()(x))


def test_the_header_tells_all_the_facts(trained, stripes):
    weights.save("mine", *trained)
    facts = weights.list_weights()[0]
    assert facts.recipe == RECIPE
    assert facts.dataset == "stripes"
    assert facts.fingerprint == stripes.fingerprint
    assert facts.n == 40
    assert 0 <= facts.test_accuracy <= 1
    assert facts.parameters == 109_386
    assert len(facts.history) == 1
    assert facts.history[0]["val_accuracy"] == facts.test_accuracy
    assert facts.versions["torch"] == torch.__version__.split("+")[0]
    assert facts.date.endswith("+00:00")
    assert facts.bytes == weights.path_of("mine").stat().st_size


def test_a_taken_name_gets_a_suffix_and_nothing_is_overwritten(trained):
    names = [weights.save("mine", *trained).name for _ in range(3)]
    assert names == ["mine", "mine-2", "mine-3"]
    assert {info.name for info in weights.list_weights()} == set(names)


def test_overwriting_must_be_asked_for(trained):
    model, info = trained
    weights.save("mine", model, info)
    better = info.model_copy(update={"test_accuracy": 0.5})
    assert weights.save("mine", model, better, overwrite=True).name == "mine"
    assert weights.load("mine")[1].test_accuracy == 0.5


def test_a_run_may_replace_its_own_result_and_no_other(trained):
    model, info = trained
    of_run = info.model_copy(update={"run": "0001-mine"})
    assert weights.save("mine", model, of_run).name == "mine"
    assert weights.save("mine", model, of_run).name == "mine"
    other = info.model_copy(update={"run": "0002-mine"})
    assert weights.save("mine", model, other).name == "mine-2"


def test_a_run_saves_beside_a_file_whose_facts_are_no_object(trained):
    model, info = trained
    path = weights.weights_folder() / "mine.safetensors"
    path.parent.mkdir()
    write_tensors(path, model.state_dict(), [1, 2], replace=True)
    saved = weights.save("mine", model, info.model_copy(update={"run": "0001-mine"}))
    assert saved.name == "mine-2"
    assert [broken.file for broken in weights.scan().broken] == ["mine.safetensors"]


def test_the_longest_name_still_gets_its_suffix(trained):
    name = "a" * 64
    assert [weights.save(name, *trained).name for _ in range(2)] == [name, "a" * 62 + "-2"]


@pytest.mark.parametrize(
    "name", ["", "../evil", "a/b", "a.b", "ä", "a b", "x" * 65, "/etc/x", "a\n"]
)
def test_names_that_could_leave_the_folder_are_refused(name, trained):
    with pytest.raises(InputError, match="letters, digits"):
        weights.save(name, *trained)
    with pytest.raises(InputError, match="letters, digits"):
        weights.load(name)


def test_an_unknown_name_is_answered_with_those_there_are(trained):
    weights.save("mine", *trained)
    with pytest.raises(InputError, match="there is mine"):
        weights.load("yours")


def test_best_first_and_few_test_images_prove_less(trained):
    model, info = trained
    for name, accuracy, n in (("sure", 0.99, 10_000), ("lucky", 0.992, 359), ("poor", 0.9, 10_000)):
        weights.save(name, model, info.model_copy(update={"test_accuracy": accuracy, "n": n}))
    assert [i.name for i in weights.list_weights()] == ["sure", "lucky", "poor"]


@pytest.fixture
def stopped(stripes, weights_folder) -> weights.WeightsInfo:
    """A saved network whose training was stopped within its first epoch."""
    rest, val = split(stripes, 0.2, 0)
    asked = iter(range(100))
    end = list(train(RECIPE, rest, val, val, should_stop=lambda: next(asked) >= 8))[-1]
    facts = weights.info_of(end, TrainingData(rest, val, val, stripes.fingerprint))
    return weights.save("stopped", end.network, facts)


def test_a_stopped_network_is_saved_without_a_test_accuracy(stopped):
    _model, info = weights.load("stopped")
    assert info == stopped
    assert (info.reason, info.test_accuracy, info.test_loss, info.n) == ("stopped", None, None, 0)
    assert info.test_interval is None
    low, high = info.val_interval
    assert low < info.val_accuracy <= high
    words = accuracy_text.full_text(info)
    assert words.startswith(f"{info.val_accuracy:.2%} of 40 validation images right")
    assert words.endswith("not measured on the test images: the training was stopped")
    assert accuracy_text.short_text(info) == f"{info.val_accuracy:.2%} (validation)"


def test_networks_without_a_test_accuracy_come_last(stopped, trained):
    model, info = trained
    poor = {"test_accuracy": 0.1, "n": 40}
    weights.save("poor", model, info.model_copy(update=poor))
    unknown = {"test_accuracy": None, "test_loss": None, "n": 0, "calibration": Calibration()}
    weights.save("a-unknown", model, info.model_copy(update=unknown))
    assert [i.name for i in weights.list_weights()] == ["poor", "stopped", "a-unknown"]
    assert accuracy_text.short_text(weights.load("a-unknown")[1]) == "not tested"


def test_a_stopped_network_of_an_older_version_keeps_its_test_accuracy(trained):
    model, info = trained
    weights.save("old", model, info.model_copy(update={"reason": "stopped"}))
    read = weights.load("old")[1]
    assert (read.test_accuracy, read.n) == (info.test_accuracy, 40)
    assert "40 test images right" in accuracy_text.full_text(read)
    assert accuracy_text.caution(read) == ""


@pytest.mark.parametrize("facts", [{"n": 0}, {"test_accuracy": None}])
def test_an_accuracy_without_images_is_refused(facts, trained):
    model, info = trained
    weights.save("odd", model, info.model_copy(update=facts))
    assert [item.file for item in weights.scan().broken] == ["odd.safetensors"]


def test_the_interval_of_an_accuracy():
    low, high = metrics.accuracy_interval(0.9, 100)  # Wilson's interval of 90 out of 100
    assert (low, high) == (pytest.approx(0.8256, abs=1e-4), pytest.approx(0.9448, abs=1e-4))
    assert metrics.accuracy_interval(1.0, 10)[1] == 1.0
    assert metrics.accuracy_interval(1.0, 6)[1] == 1.0  # whatever was rounded
    assert metrics.accuracy_interval(0.0, 26)[0] == 0.0


def _cut_off(path: Path, _model, _info) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def _text(path: Path, _model, _info) -> None:
    path.write_text("these are no weights")


def _empty(path: Path, _model, _info) -> None:
    path.write_bytes(b"")


def _foreign(path: Path, _model, _info) -> None:
    save_file({"x": torch.zeros(3)}, path)


def _foreign_facts(path: Path, model, _info) -> None:
    save_file(_packed(model), path, metadata={"mnist_app": json.dumps({"recipe": 1})})


def _other_shape(path: Path, _model, info) -> None:
    other = models.create_model("mlp-300")
    facts = info.model_dump(mode="json", exclude={"bytes"})
    save_file(other.state_dict(), path, metadata={"mnist_app": json.dumps(facts)})


def _bad_recipe(path: Path, model, info) -> None:
    facts = info.model_dump(mode="json", exclude={"bytes"})
    facts["recipe"]["model"] = "no-such-network"
    save_file(_packed(model), path, metadata={"mnist_app": json.dumps(facts)})


def _packed(model):
    return {k: v.contiguous() for k, v in model.state_dict().items()}


@pytest.mark.parametrize(
    "spoil", [_cut_off, _text, _empty, _foreign, _foreign_facts, _other_shape, _bad_recipe]
)
def test_a_broken_file_is_shown_in_one_line_and_harms_no_other(spoil, trained):
    weights.save("good", *trained)
    weights.save("bad", *trained)
    spoil(weights.path_of("bad"), *trained)
    listing = weights.scan()
    assert [info.name for info in listing.weights] == ["good"]
    assert [item.file for item in listing.broken] == ["bad.safetensors"]
    assert "bad.safetensors" in listing.broken[0].problem
    assert "\n" not in listing.broken[0].problem
    with pytest.raises(InputError, match="bad"):
        weights.load("bad")
    assert weights.load("good")[1].name == "good"


def test_a_file_with_a_name_that_is_none_is_shown_as_broken(trained):
    weights.save("good", *trained)
    path = weights.path_of("good")
    path.rename(path.with_name("not a name.safetensors"))
    assert [b.file for b in weights.scan().broken] == ["not a name.safetensors"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_what_is_no_file_is_shown_as_broken_and_not_waited_for(weights_folder):
    weights_folder.mkdir(parents=True, exist_ok=True)
    os.mkfifo(weights_folder / "pipe.safetensors")
    (weights_folder / "folder.safetensors").mkdir()
    problems = [item.problem for item in weights.scan().broken]
    assert len(problems) == 2
    assert all(problem.endswith("is no file: remove it.") for problem in problems)


def test_a_copied_file_goes_by_its_new_name(trained):
    weights.save("good", *trained)
    path = weights.path_of("good")
    path.with_name("copy.safetensors").write_bytes(path.read_bytes())
    assert {info.name for info in weights.list_weights()} == {"good", "copy"}


def test_an_empty_or_missing_folder_lists_nothing(weights_folder):
    assert weights.scan() == weights.Listing([], [])


def test_a_save_that_fails_leaves_the_old_file_and_no_rubbish(trained, monkeypatch):
    model, info = trained
    weights.save("mine", model, info)
    before = weights.path_of("mine").read_bytes()

    def disk_full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(InputError, match=r"No space left on device.*free space"):
        weights.save("mine", model, info, overwrite=True)
    assert weights.path_of("mine").read_bytes() == before
    assert [p.name for p in weights.weights_folder().iterdir()] == ["mine.safetensors"]


def test_a_folder_that_is_a_file_is_said(trained, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MNIST_APP_WEIGHTS", str(tmp_path / "file"))
    with pytest.raises(InputError, match="cannot be saved"):
        weights.save("mine", *trained)


# Calibration, and files of older versions


def test_the_calibration_survives_save_and_load(trained):
    model, info = trained
    assert info.calibration.n == 40
    assert len(info.calibration.thresholds) > 90
    weights.save("mine", model, info)
    assert weights.load("mine")[1].calibration == info.calibration


def test_the_facts_say_what_the_network_was_trained_on(trained):
    model, info = trained
    assert info.trained_on == "stripes"
    more = info.model_copy(update={"trained_on": "mnist + 29,975 pen strokes"})
    weights.save("mine", model, more)
    assert weights.load("mine")[1].trained_on == "mnist + 29,975 pen strokes"


NEW_FIELDS = [
    *("label_smoothing", "averaging", "mixed_precision", "stretch", "shear", "elastic"),
    *("thickness", "gaps", "pen_copies", "redrawn", "non_digits"),
]


def test_a_file_of_an_older_version_still_loads(trained):
    model, info = trained
    facts = info.model_dump(mode="json", exclude={"bytes", "calibration", "trained_on"})
    for field in NEW_FIELDS:
        del facts["recipe"][field]
    path = weights.path_of("old")
    path.parent.mkdir(parents=True)
    save_file(_packed(model), path, metadata={"mnist_app": json.dumps(facts)})
    loaded, read = weights.load("old")
    assert read.calibration == Calibration()
    assert read.trained_on == ""
    assert read.recipe == RECIPE
    x = torch.rand(2, 1, 28, 28)
    assert torch.equal(loaded(x), model.eval()(x))


def test_a_network_that_knows_what_is_no_digit_has_eleven_outputs_in_its_file(trained):
    _, info = trained
    recipe = RECIPE.changed(non_digits=5)
    model = models.from_recipe(recipe)
    weights.save("mine", model, info.model_copy(update={"recipe": recipe}))
    assert weights.load("mine")[0][-1].out_features == 11


def test_a_network_of_ten_outputs_does_not_fit_a_recipe_with_non_digits(trained):
    model, info = trained
    weights.save("mine", model, info.model_copy(update={"recipe": RECIPE.changed(non_digits=5)}))
    with pytest.raises(InputError, match="does not fit"):
        weights.load("mine")


# Other folders


def test_a_result_may_be_kept_in_another_folder(trained, tmp_path):
    model, info = trained
    folder = tmp_path / "deep" / "seeds"
    saved = weights.save("mine-1", model, info, folder=folder)
    assert (folder / "mine-1.safetensors").is_file()
    assert weights.list_weights() == []
    assert weights.load("mine-1", folder=folder)[1] == saved
    with pytest.raises(InputError, match="no weights named"):
        weights.load("mine-1")


def test_in_another_folder_names_are_taken_there_alone(trained, tmp_path):
    weights.save("mine", *trained)
    names = [weights.save("mine", *trained, folder=tmp_path / "seeds").name for _ in range(2)]
    assert names == ["mine", "mine-2"]
    assert weights.save("mine", *trained).name == "mine-2"


def test_an_unknown_name_in_another_folder_is_answered_with_those_there(trained, tmp_path):
    weights.save("mine", *trained)
    weights.save("theirs", *trained, folder=tmp_path / "seeds")
    with pytest.raises(InputError, match="there is theirs"):
        weights.load("yours", folder=tmp_path / "seeds")


@pytest.mark.parametrize("name", ["../evil", "a/b", ""])
def test_no_name_leads_out_of_another_folder(name, trained, tmp_path):
    with pytest.raises(InputError, match="letters, digits"):
        weights.save(name, *trained, folder=tmp_path)
    with pytest.raises(InputError, match="letters, digits"):
        weights.load(name, folder=tmp_path)


def test_the_seeds_of_presets_are_not_listed_with_the_results(trained):
    weights.save("mine", *trained)
    weights.save("mine-1", *trained, folder=weights.seeds_folder())
    listing = weights.scan()
    assert [info.name for info in listing.weights] == ["mine"]
    assert listing.broken == []


def test_a_file_that_vanishes_or_changes_between_list_and_load_is_an_input_error(trained):
    model, info = trained
    weights.save("mine", model, info)
    path = weights.path_of("mine")
    with pytest.raises(InputError, match="does not fit its network"):
        weights.load_model(path, RECIPE.changed(model="lenet5"))
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(InputError, match="does not fit its network"):
        weights.load_model(path, RECIPE)
    path.unlink()
    with pytest.raises(InputError, match="is gone"):
        weights.load_model(path, RECIPE)
