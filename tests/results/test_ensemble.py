"""Networks joined into one."""

import json

import pytest
import torch

from mnist_app.cli.main import main
from mnist_app.common.errors import InputError
from mnist_app.data.labelled_images import Dataset, split
from mnist_app.data.training_data import TrainingData
from mnist_app.recipes.presets import MEMBERS, RECIPES, is_preset
from mnist_app.recipes.recipe import Recipe
from mnist_app.results import ensemble, recalibration, reproduction, weights
from mnist_app.training.evaluation import evaluate, probabilities


@pytest.fixture
def members(stripes, weights_folder, monkeypatch, tmp_path) -> None:
    """The seeds of canvas, hardly trained, on stripes."""

    def prepare(recipe: Recipe, progress=None) -> TrainingData:
        rest, val = split(stripes, 0.2, recipe.seed)
        return TrainingData(rest, val, val, stripes.fingerprint)

    for module in (reproduction, recalibration):
        monkeypatch.setattr(module, "prepare", prepare)
    monkeypatch.setattr(ensemble, "load_dataset", lambda _: Dataset(stripes, stripes))
    monkeypatch.setitem(RECIPES, "canvas", RECIPES["canvas"].changed(epochs=1, views=2))
    seeds = range(MEMBERS)
    reproduction.reproduce(["canvas"], seeds, tmp_path, lambda recipe, event: None)


@pytest.mark.usefixtures("members")
def test_it_answers_with_the_mean_of_its_members(stripes, tmp_path, weights_folder, capsys):
    assert main(["ensemble", "--output", str(tmp_path), "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    model, info = weights.load("canvas-large")
    beside = weights_folder / ".seeds"
    loaded = [weights.load("canvas")]
    loaded += [weights.load(f"canvas-{seed}", beside) for seed in range(1, MEMBERS)]
    x = stripes.images[:20, None].float() / 255
    with torch.inference_mode():
        logits = [member(x) / own.calibration.temperature for member, own in loaded]
        assert torch.allclose(model(x), torch.stack(logits).mean(dim=0), atol=1e-4)
        assert probabilities(model(x), info.recipe).shape == (20, 11)
    assert info.test_accuracy == evaluate(model, stripes, info.recipe).accuracy
    assert info.n == len(stripes)
    assert row["test_accuracy"] == info.test_accuracy
    assert info.parameters == MEMBERS * (loaded[0][1].parameters - 11) + 11
    thresholds = [own.calibration.threshold for _, own in loaded]
    assert info.calibration.threshold == pytest.approx(sum(thresholds) / len(thresholds))
    assert info.calibration.temperature == 1
    assert "canvas-large" in (tmp_path / "results.md").read_text()
    assert "canvas-large" in json.loads((tmp_path / "results.json").read_text())["presets"]


@pytest.mark.usefixtures("members")
def test_a_missing_seed_is_named(tmp_path, weights_folder, capsys):
    (weights_folder / ".seeds" / "canvas-2.safetensors").unlink()
    assert main(["ensemble", "--output", str(tmp_path)]) == 2
    assert "canvas-2" in capsys.readouterr().err
    assert not (weights_folder / "canvas-large.safetensors").exists()


@pytest.mark.usefixtures("members")
def test_what_does_not_fit_together_is_not_joined(weights_folder):
    one = ensemble.Member(*weights.load("canvas"))
    with pytest.raises(InputError, match="4 networks, not 2"):
        ensemble.combine([one, one])
    other = one.info.model_copy(
        update={"name": "other", "recipe": one.info.recipe.changed(epochs=2)}
    )
    with pytest.raises(InputError, match="other does not fit"):
        ensemble.combine([one] * 3 + [one._replace(info=other)])
    with pytest.raises(InputError, match="same seed"):
        ensemble.combine([one] * 4)
    recipe = one.info.recipe
    seeds = [one.info.model_copy(update={"recipe": recipe.changed(seed=seed)}) for seed in range(4)]
    stopped = seeds[3].model_copy(update={"name": "stopped", "test_accuracy": None, "n": 0})
    with pytest.raises(InputError, match="stopped was not trained to its end"):
        ensemble.combine([one._replace(info=info) for info in (*seeds[:3], stopped)])
    seeds[3] = seeds[3].model_copy(update={"fingerprint": "of other data"})
    with pytest.raises(InputError, match="different data"):
        ensemble.combine([one._replace(info=info) for info in seeds])


@pytest.mark.usefixtures("members")
def test_its_confidence_is_its_members_and_is_not_fitted_anew(tmp_path):
    reproduction.build_ensemble(tmp_path)
    with pytest.raises(InputError, match="from its members"):
        recalibration.recalibrate("canvas-large", lambda text, share: None)


@pytest.mark.usefixtures("members")
def test_the_confidence_of_another_seed_is_fitted_anew_where_it_lies(weights_folder):
    beside = weights_folder / ".seeds"
    model, info = weights.load("canvas-1", beside)
    spoilt = info.model_copy(update={"calibration": info.calibration.model_copy(update={"n": 1})})
    weights.save("canvas-1", model, spoilt, overwrite=True, folder=beside)
    recalibration.recalibrate("canvas-1", lambda text, share: None)
    again = weights.load("canvas-1", beside)[1].calibration
    assert again.n == info.calibration.n == 40
    assert again.threshold == pytest.approx(info.calibration.threshold, rel=1e-3)
    assert not (weights_folder / "canvas-1.safetensors").exists()


@pytest.mark.usefixtures("members")
def test_a_confidence_is_not_fitted_anew_to_less_than_before():
    model, info = weights.load("canvas")
    more = info.calibration.model_copy(update={"n": info.calibration.n + 1})
    weights.save("canvas", model, info.model_copy(update={"calibration": more}), overwrite=True)
    with pytest.raises(InputError, match="41 validation images and the data folder holds 40"):
        recalibration.recalibrate("canvas", lambda text, share: None)
    assert weights.load("canvas")[1].calibration == more


def test_the_joined_recipe_counts_as_unchanged():
    assert is_preset(RECIPES["canvas"].changed(name="canvas-large", model="canvas-large"))
    assert not is_preset(RECIPES["canvas"].changed(name="canvas-large"))
