import csv
import io
import json
from pathlib import Path

import committed_weights
import pytest
import torch

from mnist_app.networks import models
from mnist_app.recipes.presets import RECIPES, SOURCES
from mnist_app.recognition import comparison
from mnist_app.recognition.comparison import Cost
from mnist_app.recognition.predictor import Predictor
from mnist_app.results import weights

ROOT = Path(__file__).resolve().parents[2]
COST = Cost(416_520, 0.5, 20)


@pytest.fixture
def committed() -> dict[str, weights.WeightsInfo]:
    return {info.name: info for info in weights.list_weights()}


def test_a_row_says_what_was_reported_and_what_is_measured(committed):
    info = committed["lenet5"]
    row = comparison.row_of(info, COST)
    assert row.reported == SOURCES["lenet5"].reported
    assert row.low < row.test_accuracy == info.test_accuracy < row.high
    assert (row.n, row.parameters, row.bytes) == (10_000, 61_706, info.bytes)
    assert (row.multiply_adds, row.milliseconds) == (416_520, 0.5)


def test_only_an_unchanged_preset_on_mnist_has_a_reported_figure(committed):
    info = committed["lenet5"]
    changed = info.model_copy(update={"recipe": info.recipe.changed(epochs=11)})
    elsewhere = info.model_copy(update={"dataset": "digits"})
    for other in (changed, elsewhere, committed["canvas"]):
        assert comparison.row_of(other, COST).reported is None


def test_the_accuracy_on_drawings_is_that_of_docs_drawings_json(committed):
    rows = json.loads((ROOT / "docs" / "drawings.json").read_text())["grid"]["rows"]
    mine = [row for row in rows if row["network"] == "lenet5"]
    drawn = comparison.drawing_accuracy(committed["lenet5"])
    assert drawn.n == sum(row["n"] for row in mine)
    assert drawn.accuracy == sum(row["path"] for row in mine) / drawn.n


def test_other_weights_than_those_measured_have_no_accuracy_on_drawings(committed, monkeypatch):
    info = committed["lenet5"]
    others = [
        info.model_copy(update={"name": "lenet5-2"}),
        info.model_copy(update={"dataset": "digits"}),
        info.model_copy(update={"recipe": info.recipe.changed(seed=1)}),
        info.model_copy(update={"recipe": info.recipe.changed(epochs=3)}),
        committed["canvas-large"],
    ]
    assert [comparison.drawing_accuracy(other) for other in others] == [None] * 5
    monkeypatch.setattr(comparison, "_DRAWINGS", ROOT / "docs" / "no-such.json")
    assert comparison.drawing_accuracy(info) is None


def test_the_table_is_read_back_from_csv(committed):
    rows = [comparison.row_of(committed[name], COST) for name in ("lenet5", "canvas")]
    found = list(csv.DictReader(io.StringIO(comparison.csv_of(rows))))
    assert [line["name"] for line in found] == ["lenet5", "canvas"]
    assert float(found[0]["test_accuracy"]) == committed["lenet5"].test_accuracy
    assert found[1]["reported"] == ""


def test_a_network_is_counted_and_timed():
    recipe = RECIPES["lenet5"]
    predictor = Predictor(models.from_recipe(recipe), recipe)
    cost = comparison.cost_of(predictor)
    assert cost.multiply_adds == 416_520
    assert cost.milliseconds > 0
    assert 1 <= cost.n <= comparison.TIMINGS


def test_a_point_is_the_mean_over_the_seeds_of_the_same_recipe(committed):
    info = committed["lenet5"]
    info = info.model_copy(update={"recipe": info.recipe.changed(epochs=3)})  # no preset any more
    twins = [
        info.model_copy(
            update={"recipe": info.recipe.changed(seed=seed), "test_accuracy": accuracy}
        )
        for seed, accuracy in ((1, 0.98), (2, 0.99))
    ]
    strangers = [
        info,
        committed["canvas"],
        twins[0].model_copy(update={"recipe": info.recipe.changed(seed=3, epochs=2)}),
        twins[0].model_copy(update={"fingerprint": "0" * 16}),
    ]
    info = info.model_copy(update={"test_accuracy": 0.97})
    point = comparison.point_of(info, 61_706, [*twins, *strangers])
    assert point.seeds == 3
    assert point.accuracy == pytest.approx(0.98)
    assert point.deviation == pytest.approx(0.01)
    alone = comparison.point_of(info, 61_706, strangers)
    assert (alone.accuracy, alone.deviation, alone.seeds) == (0.97, None, 1)


def test_the_weights_of_other_seeds_lie_beside_those_of_the_presets(weights_folder):
    committed_weights.copy_to(weights.seeds_folder(), ("lenet5", "canvas"))
    assert {info.recipe.name for info in comparison.seed_results()} == {"lenet5", "canvas"}


def test_a_preset_is_the_mean_over_the_seeds_in_the_table_of_results(committed):
    rows = json.loads((ROOT / "docs" / "results.json").read_text())["presets"]["lenet5"]
    point = comparison.point_of(committed["lenet5"], 1, [])
    assert point.seeds == len(rows) == 3
    assert point.accuracy == pytest.approx(sum(row["test_accuracy"] for row in rows) / 3)
    of_other_data = committed["lenet5"].model_copy(update={"fingerprint": "0" * 16})
    assert comparison.point_of(of_other_data, 1, []).seeds == 1


def test_without_weights_of_other_seeds_there_are_none(weights_folder):
    assert comparison.seed_results() == []


def test_timing_leaves_the_network_as_it_is():
    recipe = RECIPES["mlp-128-64"]
    predictor = Predictor(models.from_recipe(recipe), recipe)
    before = [p.clone() for p in predictor.model.parameters()]
    comparison.cost_of(predictor)
    assert not predictor.model.training
    assert not any(module._forward_hooks for module in predictor.model.modules())
    after = predictor.model.parameters()
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_network_that_was_not_tested_has_a_row_without_figures_and_no_point(committed):
    info = committed["lenet5"].model_copy(
        update={"reason": "stopped", "test_accuracy": None, "test_loss": None, "n": 0}
    )
    row = comparison.row_of(info, COST)
    assert (row.test_accuracy, row.low, row.high, row.n) == (None, None, None, 0)
    (line,) = csv.DictReader(io.StringIO(comparison.csv_of([row])))
    assert (line["test_accuracy"], line["low"], line["n"]) == ("", "", "0")
    assert comparison.point_of(info, 1, []) is None
    twin = info.model_copy(update={"recipe": info.recipe.changed(seed=7)})
    assert comparison.point_of(committed["lenet5"], 1, [twin]).seeds == 3
