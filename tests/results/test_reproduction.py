"""Presets over several seeds: where weights and rows of results go."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from mnist_app.cli.main import main
from mnist_app.common import machine
from mnist_app.data.labelled_images import split
from mnist_app.data.training_data import TrainingData
from mnist_app.recipes.presets import RECIPES
from mnist_app.recipes.recipe import Recipe
from mnist_app.results import reproduction, reproduction_table, weights
from mnist_app.training.events import EndEvent

NAME = "mlp-128-64-adam"


@pytest.fixture(autouse=True)
def _quick(stripes, weights_folder, monkeypatch) -> None:
    """MNIST is the stripes, and a preset an epoch."""

    def prepare(recipe: Recipe, progress=None) -> TrainingData:
        rest, val = split(stripes, 0.2, recipe.seed)
        return TrainingData(rest, val, val, stripes.fingerprint)

    monkeypatch.setattr(reproduction, "prepare", prepare)
    monkeypatch.setitem(RECIPES, NAME, RECIPES[NAME].changed(epochs=1))


def results(folder: Path) -> dict[str, list[int]]:
    presets = json.loads((folder / "results.json").read_text())["presets"]
    return {name: [row["seed"] for row in rows] for name, rows in presets.items()}


def run(folder: Path, seeds: list[int], presets: tuple[str, ...] = (NAME,)) -> dict:
    return reproduction.reproduce(list(presets), seeds, folder, lambda recipe, event: None)


def test_seed_0_goes_to_the_results_and_the_others_beside_them(tmp_path, weights_folder):
    rows = run(tmp_path, [0, 1, 2])["presets"][NAME]
    assert [info.name for info in weights.list_weights()] == [NAME]
    beside = weights_folder / ".seeds"
    assert sorted(path.stem for path in beside.glob("*.safetensors")) == [f"{NAME}-1", f"{NAME}-2"]
    for row in rows:
        seed = row["seed"]
        info = weights.load(f"{NAME}-{seed}", folder=beside)[1] if seed else weights.load(NAME)[1]
        assert info.seed == seed
        assert info.recipe == RECIPES[NAME].changed(seed=seed)
        assert info.test_accuracy == row["test_accuracy"]
        assert info.calibration.n == 40


def test_rows_of_other_seeds_and_presets_are_kept_and_the_same_replaced(tmp_path, monkeypatch):
    monkeypatch.setitem(RECIPES, "mlp-784", RECIPES["mlp-784"].changed(epochs=1))
    run(tmp_path, [2])
    run(tmp_path, [0])
    assert results(tmp_path) == {NAME: [0, 2]}
    run(tmp_path, [1], ("mlp-784",))
    assert results(tmp_path) == {NAME: [0, 2], "mlp-784": [1]}
    before = json.loads((tmp_path / "results.json").read_text())["presets"][NAME]
    monkeypatch.setitem(RECIPES, NAME, RECIPES[NAME].changed(epochs=2))
    after = run(tmp_path, [2])["presets"][NAME]
    assert [row["epochs"] for row in after] == [1, 2]
    assert after[0] == before[0]


def test_what_is_given_back_is_what_is_written(tmp_path):
    given = run(tmp_path, [1])
    assert given == json.loads((tmp_path / "results.json").read_text())
    assert (tmp_path / "results.md").read_text() == reproduction_table.table(given)


def test_training_again_replaces_the_weights(tmp_path, weights_folder):
    for _ in range(2):
        run(tmp_path, [0, 1])
    files = sorted(path.name for path in weights_folder.rglob("*.safetensors"))
    assert files == [f"{NAME}-1.safetensors", f"{NAME}.safetensors"]


def test_one_seed_must_do_for_a_long_training(tmp_path, monkeypatch):
    monkeypatch.setattr(reproduction, "LONG_TRAINING", 1)
    run(tmp_path, [3, 4])
    assert results(tmp_path) == {NAME: [3]}


@pytest.mark.parametrize("content", ["{", "[]", '{"presets": {"lenet5": [{}]}}'])
def test_a_damaged_table_is_said_before_anything_is_trained(content, tmp_path, capsys):
    (tmp_path / "results.json").write_text(content)
    assert main(["reproduce", NAME, "--output", str(tmp_path)]) == 2
    assert f"{tmp_path / 'results.json'} is damaged" in capsys.readouterr().err
    assert not weights.list_weights()


@pytest.mark.parametrize("place", ["file", "file/docs"])
def test_a_table_that_cannot_be_written_is_said_before_anything_is_trained(place, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["reproduce", NAME, "--output", str(tmp_path / place)]) == 2
    message = capsys.readouterr().err
    assert f"cannot be written in {tmp_path / place}" in message
    assert "--output" in message
    assert not weights.list_weights()


def test_trainings_that_end_together_lose_no_row(tmp_path):
    row = {"test_accuracy": 0.9, "val_accuracy": 0.9, "n": 10, "parameters": 1, "epochs": 1}
    row |= {"train_accuracy": 0.9, "seconds_per_epoch": 1.0, "threads": 1}
    row["machine"] = machine.machine_facts()
    with ThreadPoolExecutor(8) as pool:
        jobs = [
            pool.submit(reproduction._remember, NAME, {**row, "seed": seed}, tmp_path)
            for seed in range(24)
        ]
    assert not [job.exception() for job in jobs if job.exception()]
    assert results(tmp_path) == {NAME: list(range(24))}


def test_every_event_is_shown(tmp_path):
    shown = []
    reproduction.reproduce([NAME], [0, 1], tmp_path, lambda *both: shown.append(both))
    ends = [recipe.seed for recipe, event in shown if isinstance(event, EndEvent)]
    assert ends == [0, 1]


def test_of_an_averaged_training_the_averaged_network_is_kept(tmp_path, monkeypatch):
    monkeypatch.setitem(RECIPES, NAME, RECIPES[NAME].changed(averaging=0.9))
    shown = []
    reproduction.reproduce([NAME], [0], tmp_path, lambda recipe, event: shown.append(event))
    kept, end = weights.load(NAME)[0].state_dict(), shown[-1]
    assert all(torch.equal(kept[key], t) for key, t in end.network.state_dict().items())
    trained = {k.removeprefix("model."): t for k, t in end.checkpoint.tensors.items()}
    assert not all(torch.equal(t, trained[key]) for key, t in kept.items())


@pytest.mark.parametrize(
    ("options", "seeds"),
    [(["--seed", "2"], [2]), (["--seeds", "2"], [0, 1]), (["--seed", "0"], [0]), ([], [0, 1, 2])],
)
def test_the_command_takes_one_seed_or_so_many(options, seeds, tmp_path, capsys):
    assert main(["reproduce", NAME, "--output", str(tmp_path), "--json", *options]) == 0
    rows = json.loads(capsys.readouterr().out)["presets"][NAME]
    assert [row["seed"] for row in rows] == seeds


@pytest.mark.parametrize("options", [["--seed", "-1"], ["--seed", "x"], ["--threads", "0"]])
def test_seeds_and_threads_that_are_none_are_refused(options, tmp_path, capsys):
    assert main(["reproduce", NAME, "--output", str(tmp_path), *options]) == 2
    assert options[0] in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


def test_the_threads_wanted_are_used(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("torch.set_num_threads", asked.append)
    arguments = ["reproduce", NAME, "--output", str(tmp_path), "--seed", "0", "--json"]
    assert main([*arguments, "--threads", "3"]) == 0
    assert main(arguments) == 0
    assert asked == [3]
